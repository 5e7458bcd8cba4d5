"""What `migrate compare`, `cutover`, `rollback` and `status` answer to people and programs, and their exit codes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scheduler_service.cli.main import main
from scheduler_service.moving.sources.opening import open_source
from scheduler_service.storage import observed_runs
from scheduler_service.storage.models import Move
from scheduler_service.storage.session import Database
from tests.moving.sources import aps3
from tests.support.rows import ended_run, given_schedule, schedule

HOUR = timedelta(hours=1)
NAMES = ("orders", "prices")


class Road:
    """A job store with two hourly jobs, half an hour away from now both ways, and their shadows of three hours."""

    def __init__(self, database: Database, database_url: str, folder: Path) -> None:
        self._database = database
        self._url = f"sqlite:///{folder / 'jobs.db'}"
        self.source = open_source(f"apscheduler+{self._url}", trust_pickle=True)
        self._env = {
            "SCHEDULER_DATABASE_URL": database_url,
            "SCHEDULER_MIGRATE_SOURCE": f"apscheduler+{self._url}",
        }
        self.anchor = (datetime.now(UTC) - HOUR / 2).replace(microsecond=0)
        self.add(*NAMES)
        self.schedules = {name: self._given_shadow(name) for name in NAMES}

    def add(self, *names: str) -> None:
        """As a process does at its start."""
        with aps3.scheduler(aps3.sql_store(self._url)) as opened:
            for name in names:
                opened.add_job(
                    aps3.WORK, "interval", hours=1, start_date=self.anchor, id=name, name=name, replace_existing=True
                )

    def _given_shadow(self, name: str) -> int:
        key = given_schedule(
            self._database, name=name, every=1, period="hours", start_time=self.anchor, shadow=True, tags=[name]
        )
        with self._database.transaction() as session:
            session.add(
                Move(
                    periodic_task_id=key,
                    source=self.source.label,
                    source_kind="apscheduler3",
                    source_id=name,
                    name=name,
                    state="shadow",
                    shadow_since=self.anchor - 3 * HOUR,
                )
            )
        return key

    def given_shadowed(self, name: str, *hours: int) -> None:
        with self._database.transaction() as session:
            for hour in hours:
                session.add(
                    ended_run(
                        self.anchor - hour * HOUR,
                        periodic_task_id=self.schedules[name],
                        state="shadowed",
                        origin="shadow",
                    )
                )

    def given_observed(self, name: str, *hours: int) -> None:
        told = {"source": self.source.label, "source_id": name, "outcome": "executed"}
        with self._database.transaction() as session:
            now = self._database.clock.now()
            instants = [self.anchor - hour * HOUR for hour in hours]
            rows = [{**told, "scheduled_at": at, "ran_at": at, "reported_at": now} for at in instants]
            observed_runs.store(session, rows)

    def given_move(self, name: str, **fields: Any) -> None:
        with self._database.transaction() as session:
            (move,) = session.query(Move).filter_by(source_id=name)
            for field, value in fields.items():
                setattr(move, field, value)

    def is_shadow(self, name: str) -> bool:
        return schedule(self._database, self.schedules[name]).shadow

    def is_paused_there(self, name: str) -> bool:
        return self.source.are_paused([name])[name]

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["migrate", *words, "--trust-pickle"], env=self._env)

    def step(self, *words: str) -> Result:
        return self.run(*words, "--anyway", "--margin", "0.1", "--patience", "0", "--yes")


@pytest.fixture
def road(sqlite_url: str, tmp_path: Path) -> Iterator[Road]:
    database = Database(sqlite_url)
    yield Road(database, sqlite_url, tmp_path)
    database.close()


def jobs(done: Result) -> dict[str, dict[str, Any]]:
    return {job["job"]: job for job in json.loads(done.stdout)["jobs"]}


def line(done: Result, name: str) -> list[str]:
    """The row of a job in the table."""
    return next(line for line in done.stdout.splitlines() if line.startswith(f"{name} ")).split()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--name", "orders"), id="by name"),
        pytest.param(("--name", "ord*"), id="by pattern"),
        pytest.param(("--tag", "orders"), id="by tag"),
    ],
)
def test_the_source_of_the_environment_need_not_be_said_again(road: Road, words: tuple[str, ...]) -> None:
    over = road.step("cutover", *words)

    assert over.exit_code == 0, over.output
    assert [road.is_shadow(name) for name in NAMES] == [False, True]
    assert [road.is_paused_there(name) for name in NAMES] == [True, False]


def test_a_folder_in_which_no_service_ever_ran_is_not_taken_for_one(road: Road, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    env = {"SCHEDULER_DATA_DIR": str(elsewhere), "SCHEDULER_MIGRATE_SOURCE": road.source.label}

    refused = CliRunner().invoke(main, ["migrate", "status"], env=env)

    assert refused.exit_code == 1
    assert f"No service keeps its database in {elsewhere}" in refused.stderr
    assert not elsewhere.exists()


@pytest.mark.parametrize("step", ["cutover", "rollback"])
def test_a_step_for_nobody_or_for_somebody_unknown_is_refused(road: Road, step: str) -> None:
    nobody, unknown = road.run(step, "--yes"), road.run(step, "--name", "orders", "--name", "odrers", "--yes")

    assert (nobody.exit_code, unknown.exit_code) == (2, 2)
    assert "--name, --tag, --percent, or --all" in nobody.stderr
    assert "is called odrers" in unknown.stderr
    assert road.is_shadow("orders")


def test_nothing_is_compared_before_the_source_was_heard(road: Road) -> None:
    told, document = road.run("compare"), road.run("compare", "--json")

    assert (told.exit_code, document.exit_code) == (1, 1)
    assert "orders: nothing to compare yet." in told.stderr
    assert "Nothing was compared yet" in told.stderr
    assert "Nothing was compared yet" in document.stderr
    assert [(one["since"], one["matched"]) for one in json.loads(document.stdout)] == [(None, 0)] * 2


def test_it_is_not_ready_while_neither_side_had_anything_to_run(road: Road) -> None:
    road.given_observed("prices", 2)

    told = road.run("compare", "--name", "orders")

    assert told.exit_code == 1
    assert line(told, "orders") == ["orders", "0", "0", "0", "0", "0", "0", "0"]
    assert "Nothing was compared yet" in told.stderr


def test_jobs_that_nobody_applied_are_not_compared(road: Road) -> None:
    told = road.run("compare", "--percent", "0")

    assert told.exit_code == 1
    assert "Nothing was compared yet" in told.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(
            ("--broker", "redis://127.0.0.1"), "Only what a Celery's Beat sends can be watched", id="a source"
        ),
        pytest.param((), "Missing option '--broker'", id="no broker"),
    ],
)
def test_what_cannot_be_watched_is_refused(road: Road, words: tuple[str, ...], told: str) -> None:
    refused = road.run("watch", *words)

    assert refused.exit_code == 2
    assert told in refused.stderr


def test_what_matches_is_counted_and_nothing_is_wrong(road: Road) -> None:
    for name in NAMES:
        road.given_shadowed(name, 2, 1, 0)
        road.given_observed(name, 2, 1, 0)

    told, document = road.run("compare"), road.run("compare", "--name", "orders", "--json")

    assert (told.exit_code, document.exit_code) == (0, 0), told.output
    assert line(told, "orders") == ["orders", "3", "0", "0", "0", "0", "0", "0"]
    (one,) = json.loads(document.stdout)
    assert (one["name"], one["matched"], one["unexplained"], one["differences"]) == ("orders", 3, 0, [])


def test_what_is_not_explained_is_told_and_is_the_exit_code(road: Road) -> None:
    road.given_shadowed("orders", 2, 0)
    road.given_observed("orders", 2, 1, 0)

    told, document = road.run("compare"), road.run("compare", "--json")
    refused = road.run("cutover", "--name", "orders", "--yes")

    assert (told.exit_code, document.exit_code, refused.exit_code) == (1, 1, 1)
    missed = f"{road.anchor - HOUR:%Y-%m-%d %H:%M:%S}Z"
    assert f"orders: missing: {missed} there, not here (unexplained)" in told.stdout
    by_name = {one["name"]: one for one in json.loads(document.stdout)}
    assert (by_name["orders"]["missing"], by_name["orders"]["unexplained"]) == (1, 1)
    assert "1 differences are not explained" in refused.stdout
    assert road.is_shadow("orders")


def test_what_differed_long_ago_is_left_out_when_a_person_says_so(road: Road) -> None:
    """As after a restart of the old process."""
    road.given_shadowed("orders", 3, 1, 0)
    road.given_observed("orders", 3, 2, 1, 0)
    since = ("--since", f"{road.anchor - HOUR:%Y-%m-%dT%H:%M:%SZ}")

    steps = [road.run("cutover", "--name", "orders", "--dry-run", *more) for more in ((), since)]

    assert [line(dry, "orders")[1] for dry in steps] == ["leave", "cutover"]
    assert road.run("compare", "--name", "orders", *since).exit_code == 0


def test_status_tells_where_each_job_stands(road: Road) -> None:
    road.step("cutover", "--name", "orders")

    told, document = road.run("status"), road.run("status", "--json")

    assert (told.exit_code, document.exit_code) == (0, 0)
    assert line(told, "orders")[:3] == ["orders", "live", "paused"]
    assert line(told, "prices")[:3] == ["prices", "shadow", "runs"]
    assert "1 shadow (50.0 %), 1 live (50.0 %)" in told.stderr
    found = json.loads(document.stdout)
    assert (found["total"], found["states"]["live"], found["percent"]["live"]) == (2, 1, 50.0)
    assert {name: (one["state"], one["problem"]) for name, one in jobs(document).items()} == {
        "orders": ("live", None),
        "prices": ("shadow", None),
    }


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        pytest.param(
            {"state": "doubtful", "intention": "cutover", "note": "whether 02:00Z ran is not known"},
            "whether 02:00Z ran is not known",
            id="in doubt",
        ),
        pytest.param({"intention": "cutover"}, "a cutover was cut short: run it again", id="cut short"),
    ],
)
def test_what_has_to_be_mended_is_told_and_is_the_exit_code(road: Road, fields: dict[str, Any], problem: str) -> None:
    road.given_move("orders", **fields)

    told, document = road.run("status"), road.run("status", "--json")

    assert (told.exit_code, document.exit_code) == (1, 1)
    assert f"orders: {problem}" in told.stdout
    assert (jobs(document)["orders"]["problem"], jobs(document)["prices"]["problem"]) == (problem, None)


def test_what_its_process_adds_again_is_told_and_paused_again(road: Road) -> None:
    road.step("cutover", "--all")
    road.add("orders")

    told = road.run("status")
    dry = road.run("cutover", "--name", "orders", "--dry-run")
    still = road.is_paused_there("orders")
    mended = road.step("cutover", "--name", "orders")

    assert told.exit_code == 1
    assert "orders: it is live here and runs at its source too" in told.stdout
    assert "migrate cutover --name orders" in told.stdout
    assert "prices:" not in told.stdout
    assert line(dry, "orders")[:2] == ["orders", "pause"]
    assert not still
    assert (mended.exit_code, road.is_paused_there("orders")) == (0, True)
    assert road.run("status").exit_code == 0
