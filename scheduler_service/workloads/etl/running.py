"""One run of a pipeline: its steps and checks in one transaction, all or nothing.

It happens in a process that can be killed, with the definition's own time limit. Idempotent on the run id: a run that
is done is not done again, whoever repeats it. On the default warehouse others wait meanwhile, readers too.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from scheduler_service.errors import ChecksFailed, PipelineUnfit, WorkDied
from scheduler_service.workloads import killable
from scheduler_service.workloads.etl import checking
from scheduler_service.workloads.etl.books import BOOKS, Books, Made
from scheduler_service.workloads.etl.checking import CheckResult
from scheduler_service.workloads.etl.definitions import PipelineDefinition, Step
from scheduler_service.workloads.etl.plans import Plan, PlannedStep, plan
from scheduler_service.workloads.etl.tables import Source, Tables, Window, tables_of
from scheduler_service.workloads.etl.transforms import transformed
from scheduler_service.workloads.sql_running import confined, engine_of
from scheduler_service.workloads.stopping import Stop, never
from scheduler_service.workloads.warehouses import AnyWarehouse


@dataclass(frozen=True)
class PipelineRun:
    """Which run of which pipeline, for when, and what its parameters are."""

    pipeline_id: int
    run_id: str
    occurrence_at: datetime
    window_start: datetime
    window_end: datetime
    now: datetime

    @property
    def values(self) -> dict[str, datetime]:
        """The parameters of `definitions.PARAMETERS`."""
        names = ("occurrence_at", "window_start", "window_end")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class StepOutcome:
    """What became of a step; a view has no rows of its own."""

    step: str
    kind: str
    rows: int | None
    seconds: float
    checks: list[CheckResult]


def execute(
    definition: PipelineDefinition,
    run: PipelineRun,
    *,
    warehouse: AnyWarehouse,
    cancelled: Callable[[], bool] = never,
    told: Callable[..., None] = lambda **_: None,
    memory_bytes: int = killable.MEMORY_BYTES,
) -> dict[str, Any]:
    """Run it, and say what came out, for JSON: counts, not data.

    `told(step=, of=, text=)` hears how far it is. Raises: PipelineUnfit, QueryFailed, ChecksFailed, Cancelled,
    TimeLimitReached, WorkDied, TransientFailure.
    """
    stop = Stop(cancelled, definition.time_limit_seconds)
    try:
        found: dict[str, Any] = killable.run(
            _execute, warehouse, definition, run, stop=stop, memory_bytes=memory_bytes, told=told
        )
    except WorkDied:
        if done := _finished(warehouse, run.run_id):
            return done
        raise
    return found


def _finished(warehouse: AnyWarehouse, run_id: str) -> dict[str, Any] | None:
    """The outcome of a run whose process died with its commit, or after it."""
    with warehouse.transaction(write=False) as connection:
        tables = tables_of(engine_of(connection))
        return Books(tables).finished(run_id) if tables.names() >= BOOKS.keys() else None


def _execute(
    side: killable.Side, warehouse: AnyWarehouse, definition: PipelineDefinition, run: PipelineRun
) -> dict[str, Any]:
    started = monotonic()
    with confined(warehouse, write=True, stop=side.stop) as engine:
        tables = tables_of(engine)
        tables.wait_for_turn(run.pipeline_id)
        books = Books(tables)
        if done := books.finished(run.run_id):
            return {**done, "already_done": True}
        steps = _Run(side, definition, run, tables, books).steps()
        outcome = {
            "steps": [asdict(step) for step in steps],
            "window_start": run.window_start.isoformat(),
            "window_end": run.window_end.isoformat(),
            "warnings": sum(not check.passed for step in steps for check in step.checks),
            "seconds": round(monotonic() - started, 3),
        }
        books.close(run.run_id, outcome, pipeline_id=run.pipeline_id, at=run.now)
        side.decided()
    return {**outcome, "already_done": False}


class _Run:
    """The steps, within their transaction."""

    def __init__(
        self, side: killable.Side, definition: PipelineDefinition, run: PipelineRun, tables: Tables, books: Books
    ) -> None:
        self._side, self._run, self._tables, self._books = side, run, tables, books
        self._made = books.made()
        self._plan = self._fit(definition)

    def steps(self) -> list[StepOutcome]:
        planned = self._plan.steps
        outcomes = []
        for number, one in enumerate(planned, 1):
            self._side.tell(step=number, of=len(planned), text=one.step.name)
            outcomes.append(self._step(one))
        self._tables.put_back()
        self._read_views()
        return outcomes

    def _fit(self, definition: PipelineDefinition) -> Plan:
        """The plan. Raises: PipelineUnfit."""
        there = self._tables.names()
        found = plan(
            definition, self._tables.engine.dialect, known={name for name in there if not name.startswith("_")}
        )
        problems = [
            f"step {definition.steps[problem.step].name}{': its ' + problem.field if problem.field else ''}"
            f" {problem.reason}"
            for problem in found.problems
        ]
        problems += [
            f"step {step.name}: there is a dataset of this name that no pipeline made"
            for step in definition.steps
            if step.name in there and step.name not in self._made
        ]
        if problems:
            raise PipelineUnfit(problems)
        return found

    def _step(self, one: PlannedStep) -> StepOutcome:
        started, step = monotonic(), one.step
        rows = self._make(one)
        checks = checking.results(self._tables, one, self._run.values)
        if failures := [
            f"{step.name}: {check.check} found {check.found}"
            for check in checks
            if not check.passed and check.severity == "fail"
        ]:
            raise ChecksFailed(failures)
        made = Made(step.kind, step.sql or f"-- {step.transform}")
        self._books.note(step.name, made, pipeline_id=self._run.pipeline_id, run_id=self._run.run_id, at=self._run.now)
        return StepOutcome(step.name, step.kind, rows, round(monotonic() - started, 3), checks)

    def _make(self, one: PlannedStep) -> int | None:
        step, tables = one.step, self._tables
        if step.kind == "view":
            if self._made.get(step.name) != Made("view", step.sql or "") or tables.kind(step.name) != "view":
                tables.make_view(step.name, self._source(one))
            return None
        if step.kind == "table":
            return tables.make_table(step.name, self._source(one))
        return tables.take_in(step.name, self._source(one), key=step.key, window=self._window(step))

    def _source(self, one: PlannedStep) -> Source:
        step = one.step
        if one.query is not None:
            return Source(step.name, one.query.text, one.query.values(self._run.values))
        reads = {name: self._tables.name(name) for name in step.reads}
        return transformed(self._tables.engine, step.name, step.transform or "", reads, self._run.values)

    def _window(self, step: Step) -> Window | None:
        if step.window_column is None:
            return None
        return Window(step.window_column, self._run.window_start, self._run.window_end)

    def _read_views(self) -> None:
        """A view whose table has lost a column fails when it is read, on DuckDB: let that be now."""
        views = {name for name, made in self._books.made().items() if made.kind == "view"}
        for name in sorted(views & self._tables.names()):
            statement = f"SELECT * FROM {self._tables.name(name)} LIMIT 0"
            self._tables.engine.execute(f"the view {name}", statement)
