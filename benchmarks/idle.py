"""What a Beat costs the database while nothing is due."""

import logging
import re
from datetime import timedelta
from time import monotonic

from pydantic import SecretStr
from sqlalchemy import text

from benchmarks.parts import Parts, given_schedules
from scheduler_service.beat.loop import Loop
from scheduler_service.settings import Settings
from scheduler_service.storage.session import Database
from scheduler_service.worker.app import create_app

SECONDS = 60


def idle(parts: Parts) -> list[str]:
    """Wake-ups a minute, and statements for each, counted in PostgreSQL's own log."""
    if parts.postgres.pgdata is None:
        return ["idle: not measured, since the log of this PostgreSQL cannot be read"]
    log = parts.postgres.pgdata / "log"
    with parts.database() as database:
        given_schedules(database, 10_000, due_in="1 hour")
        url = database.url.render_as_string(hide_password=False)
        with database.transaction() as session:
            session.execute(text(f"ALTER DATABASE {database.url.database} SET log_statement = 'all'"))
        settings = Settings(database_url=SecretStr(url), broker_url=SecretStr(parts.broker.url))
        loop = Loop(
            create_app(settings),
            Database(url, pre_ping=False),
            dispatch_deadline=timedelta(days=1),
            republish_after=timedelta(days=1),
        )
        logging.getLogger("scheduler_service").setLevel(logging.ERROR)
        loop.tick()
        before, wake_ups, until = _statements(log.read_text()), 0, monotonic() + SECONDS
        while monotonic() < until:
            loop.tick()
            wake_ups += 1
        statements = _statements(log.read_text()) - before
        loop._wakeup.close()
        loop._database.close()
    return [
        f"idle with 10,000 schedules: {wake_ups} wake-ups a minute (at most 15), "
        f"{statements / wake_ups:.1f} statements each (at most 2)"
    ]


def _statements(log: str) -> int:
    return len(re.findall(r"LOG:  (?:statement|execute [^:]*):", log))
