"""What a Beat costs the database while nothing is due."""

import logging
from datetime import timedelta
from time import monotonic

from pydantic import SecretStr
from sqlalchemy import Connection, event

from benchmarks.parts import Parts, given_schedules
from scheduler_service.beat.loop import Loop
from scheduler_service.settings import Settings
from scheduler_service.storage.session import Database
from scheduler_service.worker.app import create_app

SECONDS = 60


def idle(parts: Parts) -> list[str]:
    """Wake-ups a minute, and statements for each, as PostgreSQL's own statistics count them."""
    with parts.database() as database:
        given_schedules(database, 10_000, due_in="1 hour")
        url = database.url.render_as_string(hide_password=False)
        settings = Settings(database_url=SecretStr(url), broker_url=SecretStr(parts.broker.url))
        loop = Loop(create_app(settings), Database(url, pre_ping=False), dispatch_deadline=timedelta(days=1))
        logging.getLogger("scheduler_service").setLevel(logging.ERROR)
        loop.tick()
        statements = _Counter(loop._database)
        wake_ups, until = 0, monotonic() + SECONDS
        while monotonic() < until:
            loop.tick()
            wake_ups += 1
        loop._wakeup.close()
        loop._database.close()
    return [
        f"idle with 10,000 schedules: {wake_ups} wake-ups a minute (at most 15), "
        f"{statements.count / wake_ups:.1f} statements each (at most 2)"
    ]


class _Counter:
    """Counts what is sent to the database, transaction control included."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        event.listen(database.engine, "before_cursor_execute", self._one)
        for name in ("begin", "commit", "rollback"):
            event.listen(database.engine, name, self._control)

    def _one(self, *_: object) -> None:
        self.count += 1

    def _control(self, connection: Connection, *_: object) -> None:
        if connection.get_isolation_level() != "AUTOCOMMIT":
            self.count += 1
