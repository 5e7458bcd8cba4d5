"""One pipeline: where its data goes, what each step and each check came to, and who reads what it makes."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from scheduler_service.api.definitions import DefinitionId
from scheduler_service.api.dependencies import Reading, WarehouseDep
from scheduler_service.console import outcomes
from scheduler_service.console.charts import lineage as chart
from scheduler_service.console.charts import strip
from scheduler_service.console.definitions import Shown, shown
from scheduler_service.console.kinds import PIPELINES
from scheduler_service.console.pages import Page, SignedInPage
from scheduler_service.services import dataset_ties
from scheduler_service.services.dataset_ties import Reader
from scheduler_service.services.etl_pipelines import Lineage, Maker, Surroundings, lineage
from scheduler_service.storage.models import TaskRun

router = APIRouter(include_in_schema=False)

PATHS = {"collect_task": "/work/collect-tasks", "pipeline": "/work/pipelines", "report": "/work/reports"}
WENT_WRONG = ("failed", "timed_out", "lost")


@dataclass(frozen=True)
class Progress:
    """How far the last run came: the steps in their order, what is known of each, and where it stopped."""

    order: tuple[str, ...]
    last: TaskRun | None
    built: TaskRun | None
    steps: dict[str, outcomes.Step]
    stopped: str | None

    def state(self, step: str) -> str | None:
        """Of a step in the last run; None: nobody knows."""
        if self.last is None or step not in self.order:
            return None
        if self.last is self.built:
            return "succeeded" if step in self.steps else None
        if self.stopped is None:
            return None
        place, stop = self.order.index(step), self.order.index(self.stopped)
        return "succeeded" if place < stop else "failed" if place == stop else "skipped"

    @property
    def not_reached(self) -> list[str]:
        """What stands after the step that stopped it."""
        return [step for step in self.order if self.state(step) == "skipped"]


@router.get("/work/pipelines/{definition_id:int}")
def show_pipeline(page: Page, definition_id: DefinitionId, session: Reading, warehouse: WarehouseDep) -> Response:
    """What it makes of what, and how that went."""
    found = shown(session, PIPELINES, definition_id)
    if found.document is None:
        return page.show("work/pipelines/show.html", line=None, **found.context())
    reads = dataset_ties.read_by(found.row.definition, "steps", warehouse.dialect)
    line = lineage(found.row, Surroundings(warehouse.dialect, dict(dataset_ties.makers(session, reads))))
    made = [step.name for step in found.document.definition.steps]
    readers = _others(dataset_ties.readers(session, made, warehouse.dialect), definition_id)
    progress = progress_of(found, _order(line, made))
    context: dict[str, Any] = {"line": line, "readers": readers, "progress": progress, "paths": PATHS}
    context |= {"drawing": drawn(page, line, readers, progress), "sources": _sources(line)}
    context |= {"looks": looks(found.usage.runs), "strip": strip.of_looks}
    return page.show("work/pipelines/show.html", **context, **found.context())


def progress_of(found: Shown, order: tuple[str, ...]) -> Progress:
    """From its last runs."""
    runs = found.usage.runs
    last = next((run for run in runs if run.started_at is not None), None)
    built = next((run for run in runs if outcomes.outcome_of(run).steps), None)
    steps = {step.name: step for step in outcomes.outcome_of(built).steps} if built is not None else {}
    stopped = stopped_at(last.error, order) if last is not None and last.state in WENT_WRONG else None
    return Progress(order, last, built, steps, stopped)


def looks(runs: Sequence[TaskRun]) -> dict[tuple[str, str], list[strip.Look]]:
    """What each check of each step came to in these runs, oldest first; a run that did not reach it is left out."""
    found: dict[tuple[str, str], list[strip.Look]] = {}
    told = [
        {(step.name, one.name): one for step in outcomes.outcome_of(run).steps for one in step.checks} for run in runs
    ]
    known = {key for checks in told for key in checks}
    for run, checks in zip(reversed(runs), reversed(told), strict=True):
        for key in known:
            if key in checks:
                found.setdefault(key, []).append("passed" if checks[key].passed else "warned")
            elif run.state in WENT_WRONG and f"{key[0]}: {key[1]} found " in (run.error or ""):
                found.setdefault(key, []).append("stopped")
    return found


def stopped_at(error: str | None, steps: Iterable[str]) -> str | None:
    """The step that the error names, as ours do: `step: why`, or `step, check …`."""
    return next((step for step in steps if re.search(rf"\b{re.escape(step)}(: |, check )", error or "")), None)


def drawn(page: SignedInPage, line: Lineage, readers: list[Reader], progress: Progress) -> chart.Drawing:
    """What it reads on the left, its steps, and who reads what they make on the right."""
    nodes = [_dataset(page, name, maker) for name, maker in line.makers.items() if name not in progress.order]
    nodes += [_step(page, name, progress) for name in progress.order]
    nodes += list({_key(one.who): _reader(page, one.who) for one in readers}.values())
    edges = [(edge.source, edge.target) for edge in line.edges]
    edges += [(one.dataset, _key(one.who)) for one in readers]
    return chart.draw(nodes, edges, cut=progress.not_reached)


def _dataset(page: SignedInPage, name: str, maker: Maker | None) -> chart.Node:
    note = maker.name if maker is not None else page.say("made elsewhere")
    return chart.Node(name, name, "data", note, f"/work/datasets/{name}")


def _step(page: SignedInPage, name: str, progress: Progress) -> chart.Node:
    step, state = progress.steps.get(name), progress.state(name)
    note = ""
    if state == "failed":
        note = page.say("stopped here")
    elif state == "skipped":
        note = page.say("not reached")
    elif step is not None:
        took = page.reader.span(step.seconds)
        note = (
            took
            if step.rows is None
            else page.say_many("%(count)s row, %(took)s", "%(count)s rows, %(took)s", step.rows, took=took)
        )
    return chart.Node(name, name, "step", note, f"#step-{name}", state)


def _reader(page: SignedInPage, who: Maker) -> chart.Node:
    note = page.say("report") if who.kind == "report" else page.say("pipeline")
    return chart.Node(_key(who), who.name, "reader", note, f"{PATHS[who.kind]}/{who.id}")


def _key(who: Maker) -> str:
    return f"{who.kind} {who.id}"


def _others(readers: list[Reader], definition_id: int) -> list[Reader]:
    return [one for one in readers if (one.who.kind, one.who.id) != ("pipeline", definition_id)]


def _sources(line: Lineage) -> dict[str, list[str]]:
    """What each step is made of."""
    found: dict[str, list[str]] = {}
    for edge in line.edges:
        found.setdefault(edge.target, []).append(edge.source)
    return found


def _order(line: Lineage, made: list[str]) -> tuple[str, ...]:
    """In which the steps run: as `lineage` planned them, those that it could not read last."""
    planned = [name for name in line.makers if name in made]
    return (*planned, *(name for name in made if name not in planned))
