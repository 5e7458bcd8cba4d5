"""How soon a Beat that is started anew sends what the only one left when it was killed in a burst."""

import signal
import socket
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from benchmarks.parts import Parts, given_schedules
from scheduler_service.storage.session import Database
from tests.support.processes import Site, site
from tests.support.waiting import eventually

SIZE, ROUNDS = 20_000, 5
LEFT = "SELECT count(*) FROM task_run WHERE decided_by = :beat AND state = :state"
FIRST = "SELECT min(published_at) FROM task_run WHERE decided_by = :beat AND published_at > :started_at"


def recovery(parts: Parts) -> list[str]:
    """Seconds from the start of the new process until the first run that the killed one had decided was sent."""
    took = sorted(_round(parts) for _ in range(ROUNDS))
    return [
        f"first left-over run sent {took[ROUNDS // 2]:.2f} s after the restart of the only Beat "
        f"(at most 2; {took[0]:.2f} to {took[-1]:.2f} in {ROUNDS} rounds)"
    ]


def _round(parts: Parts) -> float:
    with parts.database() as database, TemporaryDirectory() as logs:
        url = database.url.render_as_string(hide_password=False)
        with site(url, parts.broker.url, Path(logs)) as started:
            beat = _killed_in_a_burst(database, started)
            started_at = database.clock.now()
            started.service("beat")
            first = eventually(lambda: _first(database, beat, started_at), within=60)
        parts.broker.flush()
        return (first - started_at).total_seconds()


def _killed_in_a_burst(database: Database, started: Site) -> str:
    """The name of a Beat that had sent some runs, and had decided others that it did not send."""
    given_schedules(database, SIZE, due_in="3 seconds")
    victim = started.service("beat")
    beat = f"{socket.gethostname()}:{victim.pid}"

    def has_sent_a_part() -> bool:
        """Looked at with the Beat stopped, since a moment later it may have sent all."""
        victim.signal(signal.SIGSTOP)
        part = _count(database, beat, "published") > 0 and _count(database, beat, "pending") > 0
        if not part:
            victim.signal(signal.SIGCONT)
        return part

    eventually(has_sent_a_part, within=60, every=0.01)
    victim.kill()
    return beat


def _count(database: Database, beat: str, state: str) -> int:
    with database.reading() as session:
        return int(session.execute(text(LEFT), {"beat": beat, "state": state}).scalar_one())


def _first(database: Database, beat: str, started_at: datetime) -> datetime | None:
    with database.reading() as session:
        found: datetime | None = session.execute(text(FIRST), {"beat": beat, "started_at": started_at}).scalar_one()
        return found
