"""The account of what ran: by the rows of the service, and by the executions that the tasks counted themselves."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

from scheduler_service.storage.models import TaskRun
from scheduler_service.storage.session import Database
from tests.support.rows import runs, sql
from tests.support.waiting import eventually

UNFINISHED = ("pending", "published", "running", "retrying", "buffered")


def nothing_lost_or_doubled(
    database: Database, executions: Callable[[], list[str]], *, every: int, within: float = 75
) -> None:
    """Paused, everything comes to its end: each schedule has a run for every occurrence, and each was executed once."""
    sql(database, "UPDATE periodic_task SET enabled = false")
    eventually(lambda: {run.state for run in runs(database)} == {"succeeded"}, within=within, every=0.2)
    done = runs(database)
    assert Counter(executions()) == Counter(str(run.id) for run in done)
    for key in {run.periodic_task_id for run in done}:
        own = runs(database, periodic_task_id=key)
        assert {b.occurrence_at - a.occurrence_at for a, b in pairwise(own)} == {timedelta(seconds=every)}


def unfinished(database: Database) -> int:
    """How many runs have not come to an end."""
    with database.reading() as session:
        return session.query(TaskRun).filter(TaskRun.state.in_(UNFINISHED)).count()


def copies(database: Database) -> int:
    """How many messages were delivered that had been before, and were not executed."""
    return sum(run.duplicate_deliveries for run in runs(database))
