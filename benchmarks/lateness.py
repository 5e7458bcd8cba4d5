"""How late a Beat is when work comes evenly: from the instant a run was to be sent until it was decided, and sent."""

from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from sqlalchemy import text

from benchmarks.parts import Parts, given_schedules
from scheduler_service.storage.session import Database
from tests.support.processes import site
from tests.support.waiting import eventually

A_SECOND, SECONDS = 200, 60
LATE = """SELECT percentile_cont(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY extract(epoch FROM {} - fire_at) * 1000)
 FROM task_run"""


def lateness(parts: Parts) -> list[str]:
    """p50, p99 and the worst, with one Beat process and each schedule due once, at an instant of its own."""
    with parts.database() as database, TemporaryDirectory() as logs:
        url = database.url.render_as_string(hide_password=False)
        with site(url, parts.broker.url, Path(logs)) as started:
            started.service("beat").wait_for("beat: Starting...")
            Event().wait(5)  # an idle Beat has looked at everything once
            given_schedules(database, A_SECOND * SECONDS, due_in="5 seconds", apart=f"{1000 / A_SECOND} milliseconds")
            eventually(lambda: _sent(database) == A_SECOND * SECONDS, within=SECONDS + 60, every=1)
        decided, sent = (_late(database, until) for until in ("decided_at", "published_at"))
    parts.broker.flush()
    return [
        f"{A_SECOND} firings a second for {SECONDS} s: decided {_told(decided)}; sent {_told(sent)} after the instant "
        "(p99 under 250 ms)"
    ]


def _late(database: Database, until: str) -> list[float]:
    with database.reading() as session:
        return list(session.execute(text(LATE.format(until))).scalar_one())


def _told(late: list[float]) -> str:
    return "p50 {:.0f}, p99 {:.0f}, at most {:.0f} ms".format(*late)


def _sent(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(text("SELECT count(*) FROM task_run WHERE state = 'published'")) or 0
