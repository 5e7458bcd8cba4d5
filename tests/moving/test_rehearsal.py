"""The whole road with real processes: the old scheduler runs on all the while, and no instant is lost or run twice.

An APScheduler process with twenty jobs of every kind, our API, Beat and worker, and the commands of the guide: plan,
apply, compare, a quarter, a cut-over that is killed in the middle, all, and all the way back.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler_service.moving.comparing import compare_all, document_of
from scheduler_service.moving.sources.opening import open_source
from scheduler_service.storage.models import Move, TaskRun
from scheduler_service.storage.session import Database
from tests.moving.old_process import EPOCH
from tests.support.api_client import KEY, api_of
from tests.support.broker import Broker
from tests.support.processes import ROOT, SERVICE, Process, Site, site
from tests.support.waiting import eventually

#: The seconds between two instants of the jobs that come again while we look.
PERIODS = {
    "every 3 s": 3, "every 4 s": 4, "every 5 s": 5, "every 6 s": 6, "every 7 s": 7, "every 8 s": 8, "every 10 s": 10,
    "every 20 s, about": 20, "seconds 5": 5, "seconds 10": 10, "seconds 15": 15, "seconds 20": 20, "either": 30,
    "both": 30, "each minute": 60, "each minute in Shanghai": 60, "each minute of the week": 60,
}  # fmt: skip
ONCE = ("soon", "later", "daily")
MAPPING = "version: 1\njobs:\n  tests.moving.old_process:work: {task: sample.count}\nallow: [tests.moving]\n"
STEP = ("--all", "--uncompared", "--margin", "0.3", "--patience", "40", "--yes", "--json")


class Rehearsal:
    """The two sides, and what they count."""

    def __init__(self, site: Site, database: Database, broker: Broker, folder: Path, url: str) -> None:
        self._site, self._database, self._broker, self._folder = site, database, broker, folder
        self.store = f"sqlite:///{folder / 'jobs.db'}"
        self.source = f"apscheduler+{self.store}"
        (folder / "mapping.yaml").write_text(MAPPING)
        self._env = {
            "REHEARSAL_STORE": self.store,
            "REHEARSAL_SOURCE": self.source,
            "REHEARSAL_URL": url,
            "REHEARSAL_KEY": KEY,
        }

    def start_old(self, **env: str) -> Process:
        command = [sys.executable, "-m", "tests.moving.old_process"]
        process = Process(command, {**self._site.env, **self._env, **env}, self._folder / "old.log")
        process.wait_for("the old scheduler starts")
        return process

    def command(self, *words: str) -> list[str]:
        step, *options = words
        place = [self.source, "--mapping", str(self._folder / "mapping.yaml"), "--trust-pickle"]
        return [sys.executable, "-m", SERVICE, "migrate", step, *place, *options]

    def migrate(self, *words: str) -> Any:
        """What the command answers in JSON."""
        env = {**os.environ, **self._site.env}
        done = subprocess.run(
            self.command(*words), cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300
        )
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"{words}: {done.stdout}{done.stderr}") from None

    def begin(self, *words: str) -> Process:
        return Process(self.command(*words), self._site.env, self._folder / "killed.log")

    def states(self) -> dict[str, str]:
        with self._database.reading() as session:
            return {move.name: move.state for move in session.query(Move)}

    def intentions(self) -> list[str]:
        with self._database.reading() as session:
            return [move.name for move in session.query(Move).filter(Move.intention.is_not(None))]

    def compared(self) -> dict[str, dict[str, Any]]:
        with self._database.reading() as session:
            moves = session.query(Move).filter(Move.periodic_task_id.is_not(None)).all()
        return {one.name: document_of(one) for one in compare_all(self._database, moves)}

    def have_matched(self, names: list[str], times: int) -> bool:
        found = self.compared()
        return all(found[name]["matched"] >= times for name in names)

    def ran_there(self) -> dict[str, list[datetime]]:
        with self._broker.client() as client:
            keys = [key.decode() for key in client.keys("old:ran:*")]
            return {
                key.removeprefix("old:ran:"): [datetime.fromisoformat(at.decode()) for at in client.lrange(key, 0, -1)]
                for key in keys
            }

    def counted_there(self, name: str) -> int:
        with self._broker.client() as client:
            return int(client.get(f"old:count:{name}") or 0)

    def is_behind_there(self, by: timedelta) -> bool:
        due = open_source(self.source).waits(list(PERIODS))
        return any(at < datetime.now(UTC) - by for at in due.values())

    def ran_here(self) -> dict[str, list[datetime]]:
        """By the run ids that the tasks counted, as often as they did."""
        with self._broker.client() as client:
            executed = Counter(entry.decode() for entry in client.lrange("executed", 0, -1))
        found: dict[str, list[datetime]] = {}
        with self._database.reading() as session:
            for run in session.query(TaskRun).filter(TaskRun.origin == "auto"):
                found.setdefault(run.schedule_name, []).extend([run.occurrence_at] * executed[str(run.id)])
        return found

    def is_idle(self) -> bool:
        with self._database.reading() as session:
            going = ("pending", "published", "running", "retrying", "buffered")
            return session.query(TaskRun).filter(TaskRun.state.in_(going)).count() == 0


@pytest.fixture
def rehearsal(postgres_url: str, broker: Broker, tmp_path: Path) -> Iterator[Rehearsal]:
    database = Database(postgres_url)
    with site(postgres_url, broker.url, tmp_path) as opened:
        opened.beat()
        opened.worker("-c", "2")
        with api_of(opened) as client:
            yield Rehearsal(opened, database, broker, tmp_path, str(client.base_url).removesuffix("/api/v1/"))
    database.close()


def moments_of_work() -> bool:
    """Whether it is a moment at which the old process may be busy: its instants are whole seconds."""
    return not 0.3 < datetime.now(UTC).microsecond / 1e6 < 0.7


def why_left(outcomes: list[dict[str, Any]]) -> dict[str, str]:
    return {one["name"]: one["why"] for one in outcomes if one["became"] == "left"}


def instants(name: str, ran: list[datetime]) -> Counter[int]:
    """How often each ran, by its number since the epoch; where there is jitter, the instant it belongs to."""
    period = PERIODS[name]
    return Counter(int((at - EPOCH) / timedelta(seconds=period)) for at in ran)


def enough(rehearsal: Rehearsal, *, here: bool, names: list[str], more: int) -> Callable[[], bool]:
    """True when each of these has run so many times more, on the one side or the other."""
    look = rehearsal.ran_here if here else rehearsal.ran_there
    before = {name: len(look().get(name, [])) for name in names}
    return lambda: all(len(look().get(name, [])) >= before[name] + more for name in names)


@pytest.mark.takes(110)
def test_every_instant_runs_once_all_the_way_and_back(rehearsal: Rehearsal) -> None:
    old = rehearsal.start_old(REHEARSAL_JOBS="yes")
    fast = ["every 3 s", "every 4 s", "every 5 s"]
    try:
        rehearsal.migrate("apply", "--yes", "--json")
        moved = [name for name, state in rehearsal.states().items() if state == "shadow"]
        assert set(fast) <= set(moved)
        eventually(lambda: rehearsal.have_matched(fast, 2), within=60, every=0.5)
        assert {name: one["differences"] for name, one in rehearsal.compared().items() if one["unexplained"]} == {}

        a_quarter = rehearsal.migrate("cutover", "--percent", "25", *STEP[1:])
        live = {one["name"] for one in a_quarter if one["became"] == "live"}
        assert live
        assert live < set(moved)
        eventually(enough(rehearsal, here=True, names=[n for n in live if PERIODS.get(n, 60) < 9], more=1), within=30)

        killed = rehearsal.begin("cutover", *STEP)
        eventually(rehearsal.intentions, within=40, every=0.01)
        killed.kill()
        rest = rehearsal.migrate("cutover", *STEP)
        assert {one["became"] for one in rest} <= {"live", "undone"}, why_left(rest)
        again = rehearsal.migrate("cutover", *STEP)
        assert {one["became"] for one in again} <= {"live"}, why_left(again)
        assert {rehearsal.states()[name] for name in moved} == {"live"}
        eventually(enough(rehearsal, here=True, names=fast, more=2), within=30)

        back = rehearsal.migrate("rollback", *STEP[:1], *STEP[2:])
        assert {one["became"] for one in back} == {"rolled_back"}, why_left(back)
        eventually(enough(rehearsal, here=False, names=fast, more=2), within=30)
        eventually(lambda: {"later"} & {*rehearsal.ran_there(), *rehearsal.ran_here()}, within=60, every=0.5)
    finally:
        old.stop()
    eventually(rehearsal.is_idle, within=20)

    assert_each_once(rehearsal, list(PERIODS))
    there, here = rehearsal.ran_there(), rehearsal.ran_here()
    for name in ONCE:
        assert len(there.get(name, []) + here.get(name, [])) == 1, name


@pytest.mark.takes(40)
def test_the_old_process_is_killed_in_a_cut_over_and_started_again(rehearsal: Rehearsal) -> None:
    moved = ["every 3 s", "every 4 s", "every 5 s", "every 7 s"]
    step = ("cutover", *(word for name in moved for word in ("--name", name)), *STEP[1:], "--margin", "0.7")
    old = rehearsal.start_old(REHEARSAL_JOBS="yes")
    try:
        rehearsal.migrate("apply", "--yes", "--json")
        eventually(lambda: rehearsal.have_matched(moved, 1), within=60, every=0.5)

        going = rehearsal.begin(*step)
        eventually(lambda: bool(rehearsal.intentions()) and not moments_of_work(), within=40, every=0.01)
        old.kill()
        eventually(lambda: rehearsal.is_behind_there(timedelta(seconds=3)), within=20)
        old = rehearsal.start_old()
        eventually(lambda: not going.alive, within=60)

        again = rehearsal.migrate(*step)
        assert {one["became"] for one in again} <= {"live"}, why_left(again)
        assert {rehearsal.states()[name] for name in moved} == {"live"}
        eventually(enough(rehearsal, here=True, names=moved, more=1), within=30)
    finally:
        old.stop()
    eventually(rehearsal.is_idle, within=20)

    assert_each_once(rehearsal, moved)


def assert_each_once(rehearsal: Rehearsal, names: list[str]) -> None:
    """Each instant from the first to the last, by either side."""
    there, here = rehearsal.ran_there(), rehearsal.ran_here()
    for name in names:
        ran = instants(name, there.get(name, []) + here.get(name, []))
        assert set(ran.values()) <= {1}, f"{name} ran twice: {ran}"
        assert sorted(ran) == list(range(min(ran), max(ran) + 1)), f"{name} left some out: {sorted(ran)}"
        assert rehearsal.counted_there(name) == len(there.get(name, []))
