"""Many runs at once between one Beat and one worker: written as rows, run once each, then looked at one by one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from celery import Celery

from scheduler_service.storage.models import FINISHED_STATES, TaskRun
from scheduler_service.storage.session import Database
from tests.support.broker import Broker
from tests.support.postgres import Postgres
from tests.support.processes import Process, Site
from tests.support.rows import given_schedule, runs
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Case:
    """A task of the sample app that is run once, and what its run says in the end.

    The task's first argument is the name of the case; `says` is how its error begins, or its reason if it has none.
    """

    task: str
    state: str
    says: str | None = None
    result: Any = None
    attempts: int = 1
    args: tuple[Any, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)


class Stage:
    """A site whose processes are shared by many tests."""

    def __init__(self, opened: Site, database: Database, broker: Broker) -> None:
        self.site = opened
        self.database = database
        self.broker = broker
        self.worker: Process | None = None
        self._keys: dict[str, int] = {}
        self._app = Celery("operator", broker=broker.url, set_as_current=False)

    @property
    def control(self) -> Any:
        """What an operator says to the workers."""
        return self._app.control

    def close(self) -> None:
        self.site.close()
        self._app.close()
        self.database.close()

    def begin(self, *options: str) -> None:
        """A worker with such options, and a Beat."""
        self.worker = self.site.worker(*options)
        self.site.beat()

    def give(self, cases: Mapping[str, Case]) -> None:
        """Have every case run once, now."""
        for name, case in cases.items():
            self.run_once(name, case.task, *case.args, **case.fields)

    def run_once(self, name: str, task: str, *args: Any, **fields: Any) -> None:
        """Have the task run, once, within a second."""
        self.give_schedule(name, task, *args, every=1, one_off=True, **fields)

    def give_schedule(self, name: str, task: str, *args: Any, **fields: Any) -> int:
        key = self._keys[name] = given_schedule(self.database, name=name, task=task, args=[name, *args], **fields)
        return key

    def run(self, name: str, *states: str, within: float = 20) -> TaskRun:
        """The one run of a case, once it is in one of the states; finished, when none is named."""
        wanted, key = states or FINISHED_STATES, self._keys[name]
        (found,) = eventually(
            lambda: [run for run in runs(self.database, periodic_task_id=key) if run.state in wanted], within=within
        )
        return found

    def started(self, name: str) -> TaskRun:
        """The run of a case, once its task has begun."""
        run = self.run(name, "running")
        eventually(lambda: self.attempts(run), within=10)
        return run

    def attempts(self, run: TaskRun) -> list[int]:
        """The attempts of a run that were started, in order, as the tasks counted themselves."""
        with self.broker.client() as client:
            entries = [entry.decode().split() for entry in client.lrange("attempts", 0, -1)]
        return [int(number) for run_id, number in entries if run_id == str(run.id)]


def check(stage: Stage, name: str, case: Case) -> None:
    """The run of the case says what the case says, and each of its attempts was started once."""
    run = stage.run(name)
    said = run.error or run.reason
    assert (run.state, run.result) == (case.state, case.result), f"{run.state}, {run.result}: {said}"
    assert said == case.says or (said and case.says and said.startswith(case.says)), said
    started = stage.attempts(run)
    assert started == list(range(1, case.attempts + 1)), f"the attempts {started} were started"


@contextmanager
def stage(postgres: Postgres, broker: Broker, logs: Path) -> Iterator[Stage]:
    """An empty broker and a database of its own; PostgreSQL."""
    broker.flush()
    url = postgres.create()
    opened = Stage(Site(url, broker.url, logs), Database(url), broker)
    try:
        yield opened
    finally:
        opened.close()
        postgres.drop(url)
