"""Celery's interface to our Beat: `celery -A proj beat -S scheduler_service`. No logic lives here.

Celery makes a second instance for its banner (`lazy=True`), and calls `close` from a signal handler on top of
whatever was running: so nothing connects before the first tick, and `close` does nothing but set a flag.
"""

from typing import Any

from celery.beat import Scheduler

from scheduler_service.beat.loop import LONGEST_WAIT, Loop
from scheduler_service.beat.publish import set_socket_timeouts
from scheduler_service.settings import Settings
from scheduler_service.storage.session import Database


class DatabaseScheduler(Scheduler):
    """Reads schedules live from the service's tables (SCHEDULER_DATABASE_URL)."""

    max_interval = LONGEST_WAIT
    _loop: Loop | None = None

    def setup_schedule(self) -> None:
        """Celery calls this before it forks or logs; what is static is taken in at the first tick."""

    def tick(self, *_args: Any, **_kwargs: Any) -> float:
        """Work or wait; the wait is ours, so Celery is told to come back at once."""
        if self._loop is None:
            self._loop = self._start()
        self._loop.tick()
        return 0.0

    def close(self) -> None:
        if self._loop is not None:
            self._loop.stopping.set()

    @property
    def info(self) -> str:
        return "    . schedules -> the service's database, read live"

    def _start(self) -> Loop:
        settings = Settings()
        set_socket_timeouts(self.app)
        stated = self.app.conf.beat_schedule
        self.install_default_entries(stated)
        self.update_from_dict(stated)
        database = Database(settings.database, pre_ping=False)
        return Loop(
            self.app,
            database,
            dispatch_deadline=settings.dispatch_deadline,
            republish_after=settings.republish_after,
            static=list(self.data.values()),
        )
