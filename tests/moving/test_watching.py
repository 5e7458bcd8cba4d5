"""Watching the broker of a Celery: its own Beat and worker, and what `compare` then says of each run."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from click.testing import CliRunner, Result

from scheduler_service.cli.main import main
from scheduler_service.moving import comparing
from scheduler_service.moving.broker_events import BrokerEvents
from scheduler_service.moving.mapping import Mapping
from scheduler_service.moving.sources.opening import open_source
from scheduler_service.moving.watching import Watch
from scheduler_service.storage import moves, observed_runs, watched_spans
from scheduler_service.storage.models import Move, ObservedRun, WatchedSpan
from scheduler_service.storage.session import Database
from tests.support.broker import Broker
from tests.support.processes import CELERY, Site, site
from tests.support.rows import given_schedule
from tests.support.waiting import eventually

APP = "tests.moving.watched_app"
SOURCE = f"beat-schedule:{APP}:app"
SECOND = timedelta(seconds=1)


@pytest.fixture
def ours(postgres_url: str, broker: Broker, tmp_path: Path) -> Iterator[Site]:
    with site(postgres_url, broker.url, tmp_path) as opened:
        opened.env["WATCHED_BROKER"] = opened.env["SCHEDULER_MIGRATE_BROKER"] = broker.url
        yield opened


@pytest.mark.takes(20)
def test_each_run_of_an_old_beat_is_compared(ours: Site, postgres_url: str, tmp_path: Path) -> None:
    applied = run(ours, "apply", SOURCE, "--yes", "--allow-unknown-task")
    assert applied.exit_code == 0, applied.output
    ours.beat()
    watch = ours.service("migrate", "watch", SOURCE)
    watch.wait_for("Watching")
    start_theirs(ours, tmp_path)

    def many_matched() -> dict[str, dict[str, Any]] | None:
        found = compared(ours)
        return found if found["each second"]["matched"] >= 5 and found["each two seconds"]["matched"] >= 2 else None

    found = eventually(many_matched, within=40, every=1)
    watch.signal(signal.SIGINT)

    assert watch.stop() == 0, watch.log
    assert [found[name]["unexplained"] for name in ("each second", "each two seconds")] == [0, 0]
    assert found["twin"]["matched"] + found["other twin"]["matched"] == 0
    assert "Their messages are the same, so of each only the last run is known: other twin, twin." in watch.log
    assert "Each run of 3 jobs of beat-schedule:tests.moving.watched_app:app is seen, of 5." in watch.log
    assert " runs were kept." in watch.log
    with opened(postgres_url) as database:
        ran = runs_of(database, open_source(SOURCE).label, "each second")
        assert [row.outcome for row in ran][:3] == ["executed"] * 3


class Theirs:
    """A job each second, and each minute, of which a test itself sends the events, by Celery's own dispatcher."""

    def __init__(self, database: Database, broker: Broker) -> None:
        self.database, self.broker = database, broker
        self.source = open_source(SOURCE)
        self.told: list[str] = []
        self._ended = Event()
        with database.transaction() as session:
            for name, every in (("each second", 1), ("each two seconds", 2)):
                key = given_schedule(database, name=name, every=every, shadow=True)
                session.add(
                    Move(
                        periodic_task_id=key,
                        source=self.source.label,
                        source_kind=self.source.kind,
                        source_id=name,
                        name=name,
                        state="shadow",
                        shadow_since=database.clock.now(),
                    )
                )
        events = BrokerEvents(broker.url)
        self.watch = Watch(database, self.source, Mapping(), events, self.told.append, patience=SECOND)
        self._thread = Thread(target=self.watch.run, args=(self._ended.is_set, self._ended.wait))

    def __enter__(self) -> "Theirs":
        self._thread.start()
        eventually(lambda: any(text.startswith("Watching") for text in self.told), within=10)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(20)

    def send(self) -> None:
        """A message of the job of each second."""
        told = {"uuid": str(uuid4()), "name": "watched.count", "args": "('a',)", "kwargs": "{}"}
        with Celery("theirs", broker=self.broker.url, set_as_current=False) as app, app.connection() as connection:
            app.events.Dispatcher(connection).send("task-sent", **told)

    def spans(self) -> list[WatchedSpan]:
        with self.database.reading() as session:
            return watched_spans.of_source(session, self.source.label)

    def runs(self) -> list[ObservedRun]:
        return runs_of(self.database, self.source.label, "each second")


def test_a_broker_that_goes_away_and_comes_back_is_watched_again(
    postgres_url: str, broker: Broker, tmp_path: Path
) -> None:
    with opened(postgres_url) as database, Theirs(database, broker) as theirs:
        theirs.send()
        eventually(theirs.spans, within=10)
        with broker.stopped():
            eventually(lambda: "cannot be reached" in theirs.told[-1], within=10)
            assert theirs.told[-1].startswith(f"redis://127.0.0.1:{broker.port}")
        eventually(lambda: theirs.told[-1].startswith("Watching"), within=10)
        theirs.send()
        eventually(lambda: len(theirs.spans()) == 2, within=10)

        assert len(theirs.runs()) == 2
        first, second = theirs.spans()
        assert first.heard_at < second.began_at


def test_it_says_so_when_no_events_are_sent(postgres_url: str, broker: Broker) -> None:
    with opened(postgres_url) as database, Theirs(database, broker) as theirs:
        eventually(lambda: "no events are sent" in theirs.told[-1], within=10)

        assert "-E" in theirs.told[-1]
        assert "task_send_sent_event" in theirs.told[-1]
        assert theirs.spans() == []


def test_the_last_run_that_the_store_tells_is_not_kept_beside_what_was_seen(postgres_url: str, broker: Broker) -> None:
    class Telling:
        """Its Beat ran both just now."""

        def __init__(self, label: str) -> None:
            self.label = label

        def last_runs(self, ids: object) -> dict[str, datetime]:
            return {"each second": datetime.now(UTC), "twin": datetime.now(UTC)}

    with opened(postgres_url) as database, Theirs(database, broker) as theirs:
        theirs.send()
        eventually(theirs.runs, within=10)
        with database.reading() as session:
            known = moves.search(session, moves.MoveFilter(source=theirs.source.label))

        source: Any = Telling(theirs.source.label)
        assert comparing.take_last_runs(database, source, known) == 1
        assert len(theirs.runs()) == 1


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def runs_of(database: Database, source: str, job: str) -> list[ObservedRun]:
    with database.reading() as session:
        return observed_runs.of_jobs(session, source, [job], since=datetime(2026, 1, 1, tzinfo=UTC))


def run(site: Site, *words: str) -> Result:
    return CliRunner().invoke(main, ["migrate", *words], env=site.env)


def compared(site: Site) -> dict[str, dict[str, Any]]:
    done = run(site, "compare", SOURCE, "--json")
    assert done.exit_code in (0, 1), done.output
    return {one["name"]: one for one in json.loads(done.stdout)}


def start_theirs(site: Site, folder: Path) -> None:
    """Beat and a worker of the old side, on a host in another zone."""
    zone = {"TZ": "Asia/Shanghai"}
    worker = ["worker", "-P", "solo", "-E", "-n", "theirs@%h", "-l", "INFO"]
    site.program("their-worker", CELERY, "-A", APP, *worker, **zone).wait_for(" ready.")
    site.program("their-beat", CELERY, "-A", APP, "beat", "-s", str(folder / "theirs"), **zone)
