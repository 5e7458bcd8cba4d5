"""Making a report: its queries in one state of the warehouse, then its files, all in a process of its own.

The libraries that render keep what they once had in memory (15 reports: from 251 to 782 MB), hang after a fork, and
hear no signal while they work; in that process they are limited, and killed when they take too long.
"""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scheduler_service.workloads import killable
from scheduler_service.workloads.killable import Side
from scheduler_service.workloads.report.content import Span, document, questions
from scheduler_service.workloads.report.definitions import ReportDefinition
from scheduler_service.workloads.report.rendering import Renderer
from scheduler_service.workloads.sql_running import Answer, confined
from scheduler_service.workloads.stopping import Stop
from scheduler_service.workloads.warehouses import AnyWarehouse


@dataclass(frozen=True)
class Job:
    """What to make, about what, and where to leave it: an empty folder. `most_rows`: of each query, for a preview."""

    definition: ReportDefinition
    description: str
    span: Span
    outputs: tuple[str, ...]
    folder: Path
    fonts: tuple[Path, ...] = ()
    most_rows: int | None = None


@dataclass(frozen=True)
class Made:
    """A file: which output it is, the title of the table for a CSV, and what is in it."""

    output: str
    title: str
    path: Path
    size: int
    sha256: str


def produce(job: Job, warehouse: AnyWarehouse, *, stop: Stop, told: Callable[..., None]) -> list[Made]:
    """Make the files. `told(step=, of=, text=)` hears how far it is.

    Raises: QueryFailed, SqlRefused, WorkDied, the reason of `stop`, TransientFailure.
    """
    made: list[Made] = killable.run(_produce, warehouse, job, stop=stop, told=told)
    return made


def _produce(side: Side, warehouse: AnyWarehouse, job: Job) -> list[Made]:
    os.environ["TZ"] = "UTC"  # charts place local times by the process's zone
    time.tzset()
    steps = _Steps(side, of=sum(section.type != "text" for section in job.definition.sections) + len(job.outputs))
    content = _content(side, warehouse, job, steps)
    (root := job.folder / "root").mkdir()
    renderer = Renderer(content, more_fonts=job.fonts, root=root)
    made: list[Made] = []
    for output in job.outputs:
        steps.next(output)
        for title, data in renderer.files(output):
            path = job.folder / f"{len(made)}.{output}"
            path.write_bytes(data)
            made.append(Made(output, title, path, len(data), hashlib.sha256(data).hexdigest()))
    return made


def _content(side: Side, warehouse: AnyWarehouse, job: Job, steps: "_Steps") -> Any:
    """Ask everything in one transaction, which ends before anything is rendered."""
    asked = list(questions(job.definition, warehouse.dialect))
    answers: dict[int, list[Answer]] = {}
    with confined(warehouse, write=False, stop=side.stop) as engine:
        for place, section, question in asked:
            steps.next(question.what)
            spans = [job.span, job.span.before()] if section.type == "metrics" and section.compare else [job.span]
            limit = min(question.limit, job.most_rows or question.limit)
            answers[place] = [engine.answer(replace(question, values=span.values(), limit=limit)) for span in spans]
    return document(job.definition, job.description, job.span, answers)


class _Steps:
    """Which step it is at."""

    def __init__(self, side: Side, *, of: int) -> None:
        self._side, self._of, self._done = side, of, 0

    def next(self, text: str) -> None:
        self._side.stop.check()
        self._done += 1
        self._side.tell(step=self._done, of=self._of, text=text)
