"""What is planned for the coming week.

It is worked out beside the pages, since it looks at every schedule: none waits for it longer than `PATIENCE`. Of many
schedules in a process of its own: in a thread it held the interpreter for minutes, and pages took 20 times as long.
"""

import logging
import os
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic

from scheduler_service.services import forecasts, tallies
from scheduler_service.services.forecasts import Frame
from scheduler_service.services.tallies import BUCKET
from scheduler_service.storage import overview as stored
from scheduler_service.storage.session import Database, Session
from scheduler_service.workloads import killable
from scheduler_service.workloads.killable import Side
from scheduler_service.workloads.stopping import Stop

logger = logging.getLogger(__name__)

PATIENCE, PLAN_COUNTS = 0.15, 60.0  # seconds
REST = 10  # times as long as a plan took to be worked out it counts
FEW = 2000  # schedules, whose plan a thread works out
PLANNED_WITHIN, NICENESS = 1800.0, 10
SPAN = timedelta(days=8)  # a week in any zone


@dataclass(frozen=True)
class Plan:
    """How many runs are planned, in buckets of ten minutes from `start` on."""

    start: datetime
    counts: list[int]


class Planner:
    """Works the plan out beside the pages, again and again as long as somebody asks for it."""

    def __init__(self, database: Database) -> None:
        self._database, self._lock = database, Lock()
        self._plan: Plan | None = None
        self._begun_at = self._counts_until = float("-inf")
        self._working: Future[None] | None = None

    def get(self) -> Plan | None:
        """The last one; only who comes right when the first is begun waits a little."""
        with self._lock:
            if self._working is None and monotonic() > self._counts_until:
                self._begun_at, self._working = monotonic(), self._database.apart(self._work)
            working = self._working
        if working is not None and self._plan is None:
            wait([working], timeout=max(self._begun_at + PATIENCE - monotonic(), 0))
        return self._plan

    def _work(self) -> None:
        try:
            self._plan = self._worked_out()
        except Exception as why:  # noqa: BLE001 - pages say that there is no plan yet
            logger.warning("The plan of the week could not be worked out: %s", why)
        with self._lock:
            now = monotonic()
            self._counts_until = now + max(PLAN_COUNTS, REST * (now - self._begun_at))
            self._working = None

    def _worked_out(self) -> Plan:
        now = self._database.clock.now()
        with self._database.reading() as session:
            if not stored.has_more_schedules(session, than=FEW):
                return planned(session, now)
        url = self._database.url.render_as_string(hide_password=False)
        plan: Plan = killable.run(_planned_apart, url, now, stop=Stop(self._database.closing.is_set, PLANNED_WITHIN))
        return plan


def planned(session: Session, now: datetime) -> Plan:
    """The plan of the week, from every schedule."""
    start = tallies.floor(now)
    load = forecasts.load(session, Frame(start, start + SPAN, BUCKET), now=now)
    return Plan(start, [sum(kinds) for kinds in zip(*load.by_kind.values(), strict=True)])


def _planned_apart(_side: Side, url: str, now: datetime) -> Plan:
    os.nice(NICENESS)
    database = Database(url)
    try:
        with database.reading() as session:
            return planned(session, now)
    finally:
        database.close()
