"""Schedules made of a plan: as shadows, once, and never over somebody's edit."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from scheduler_service.cli.main import main
from scheduler_service.moving import applying, planning
from scheduler_service.moving.applying import Outcome, Wish
from scheduler_service.moving.found import FoundInterval, FoundJob
from scheduler_service.moving.mapping import JobMapping, Mapping
from scheduler_service.moving.planning import MovePlan
from scheduler_service.moving.sources.opening import open_source
from scheduler_service.moving.translation import translate
from scheduler_service.services import schedules
from scheduler_service.services.schedule_documents import ScheduleDocument
from scheduler_service.storage import audit as trail
from scheduler_service.storage import moves, schedule_batches
from scheduler_service.storage.audit import AuditFilter
from scheduler_service.storage.models import Move, PeriodicTask
from scheduler_service.storage.moves import MoveFilter
from scheduler_service.storage.session import Database
from tests.moving.sources import aps3
from tests.support.waiting import stays

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Old:
    """An APScheduler 3 job store, and the plan of its move."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'jobs.db'}"
        self.source = f"apscheduler+{self.url}"

    def add(self, job_id: str, hour: int, **fields: Any) -> None:
        with aps3.scheduler(aps3.sql_store(self.url)) as opened:
            opened.add_job(aps3.WORK, "cron", hour=hour, id=job_id, timezone="UTC", replace_existing=True, **fields)

    def apply(self, database: Database, *, task: str | None = "shop.work", **wish: Any) -> dict[str, Outcome]:
        plan = self.plan(task=task)
        with database.transaction() as session:
            return {it.source_id: it for it in applying.apply(session, plan, Wish(**wish), now=database.clock.now())}

    def plan(self, *, task: str | None = "shop.work") -> MovePlan:
        mapping = Mapping(jobs={aps3.WORK: JobMapping(task=task)} if task else {})
        return planning.plan(open_source(self.source, trust_pickle=True), mapping, now=NOW)

    def moves(self, database: Database) -> dict[str, Move]:
        with database.reading() as session:
            found = moves.search(session, MoveFilter(source=open_source(self.source).label))
        return {move.source_id: move for move in found}


@pytest.fixture
def old(tmp_path: Path) -> Old:
    made = Old(tmp_path)
    made.add("orders", 2)
    made.add("report", 3)
    return made


def named(database: Database, name: str) -> PeriodicTask:
    with database.reading() as session:
        (found,) = schedule_batches.named(session, [name])
        return schedules.get(session, found.id)


def became(outcomes: dict[str, Outcome]) -> dict[str, str]:
    return {job: outcome.became for job, outcome in outcomes.items()}


def test_jobs_become_shadows_that_know_where_they_come_from(database: Database, old: Old) -> None:
    assert became(old.apply(database)) == {"orders": "created", "report": "created"}

    schedule, move = named(database, "orders"), old.moves(database)["orders"]
    assert (schedule.shadow, schedule.task, schedule.crontab and schedule.crontab.hour) == (True, "shop.work", "2")
    assert (move.state, move.periodic_task_id, move.source_kind) == ("shadow", schedule.id, "apscheduler3")
    assert schedule.provenance is not None
    assert schedule.provenance["source_id"] == "orders"
    assert schedule.provenance["original"]["func"] == aps3.WORK
    with database.reading() as session:
        events = trail.search(session, AuditFilter(actor="migrate", action="create"), limit=10)
    assert {(event.subject_name, event.source) for event in events} == {("orders", "migrate"), ("report", "migrate")}


def test_a_second_time_changes_nothing(database: Database, old: Old) -> None:
    old.apply(database)
    before = named(database, "orders").revision, old.moves(database)["orders"].changed_at

    assert became(old.apply(database)) == {"orders": "unchanged", "report": "unchanged"}

    assert (named(database, "orders").revision, old.moves(database)["orders"].changed_at) == before


def test_a_dry_run_makes_nothing(database: Database, old: Old) -> None:
    assert became(old.apply(database, dry_run=True)) == {"orders": "created", "report": "created"}

    assert old.moves(database) == {}


def test_a_job_that_has_changed_changes_its_schedule(database: Database, old: Old) -> None:
    old.apply(database)
    old.add("orders", 5)

    assert became(old.apply(database)) == {"orders": "changed", "report": "unchanged"}
    assert became(old.apply(database)) == {"orders": "unchanged", "report": "unchanged"}

    schedule = named(database, "orders")
    assert (schedule.shadow, schedule.crontab and schedule.crontab.hour) == (True, "5")


def test_somebodys_edit_is_never_overwritten(database: Database, old: Old) -> None:
    old.apply(database)
    with database.transaction() as session:
        edit = {"description": "mine"}
        schedules.patch(session, named(database, "orders").id, edit, expected=None, actor="ann", now=NOW)
    assert old.apply(database)["orders"].became == "unchanged"
    old.add("orders", 5)

    assert old.apply(database)["orders"].became == "edited"

    schedule = named(database, "orders")
    assert (schedule.description, schedule.crontab and schedule.crontab.hour) == ("mine", "2")


def test_what_was_deleted_here_is_not_made_again(database: Database, old: Old) -> None:
    old.apply(database)
    with database.transaction() as session:
        schedules.delete(session, named(database, "orders").id, expected=None, actor="ann")

    assert old.apply(database)["orders"].became == "deleted"


def test_a_name_that_is_taken_is_told_and_stops_no_other(database: Database, old: Old) -> None:
    timing = {"type": "interval", "every": 1, "period": "hours"}
    with database.transaction() as session:
        taken = ScheduleDocument.model_validate({"name": "orders", "task": "shop.other", "timing": timing})
        schedules.create(session, taken, actor="ann", now=NOW)

    outcomes = old.apply(database)

    assert became(outcomes) == {"orders": "refused", "report": "created"}
    assert "`name`" in outcomes["orders"].why
    assert named(database, "orders").task == "shop.other"


def test_what_is_not_mapped_yet_is_planned_and_made_when_it_is(database: Database, old: Old) -> None:
    assert became(old.apply(database, task=None)) == {"orders": "left", "report": "left"}
    assert {move.state for move in old.moves(database).values()} == {"planned"}

    assert became(old.apply(database)) == {"orders": "created", "report": "created"}

    assert {move.state for move in old.moves(database).values()} == {"shadow"}


def test_live_is_for_real(database: Database, old: Old) -> None:
    old.apply(database, live=True)

    assert not named(database, "orders").shadow
    assert old.moves(database)["orders"].state == "live"


def test_an_edit_at_the_source_leaves_what_is_live_alone(database: Database, old: Old) -> None:
    old.apply(database, live=True)
    old.add("orders", 5)

    assert old.apply(database)["orders"].became == "edited"


def test_who_applies_at_the_same_moment_waits_and_finds_it_done(database: Database, old: Old) -> None:
    with database.transaction() as session:
        first = applying.apply(session, old.plan(), Wish(), now=database.clock.now())
        with ThreadPoolExecutor(1) as other:
            second = other.submit(old.apply, database)
            stays(lambda: not second.done(), during=0.5)
            session.commit()
            done = second.result(20)

    assert [it.became for it in first] == ["created", "created"]
    assert became(done) == {"orders": "unchanged", "report": "unchanged"}


def test_the_command_asks_and_tells(sqlite_url: str, old: Old, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(f"version: 1\njobs:\n  {aps3.WORK}: {{task: shop.work}}\n")
    words = ["migrate", "apply", old.source, "--trust-pickle", "--mapping", str(mapping)]
    env = {"SCHEDULER_DATABASE_URL": sqlite_url}

    refused = CliRunner().invoke(main, words, env=env, input="n\n")
    dry = CliRunner().invoke(main, [*words, "--dry-run", "--json"], env=env)
    done = CliRunner().invoke(main, words, env=env, input="y\n")
    again = CliRunner().invoke(main, [*words, "--yes"], env=env)

    assert (refused.exit_code, done.exit_code, again.exit_code) == (1, 0, 0)
    assert "Make 2 shadow schedules" in refused.stderr
    assert [it["became"] for it in json.loads(dry.stdout)] == ["created", "created"]
    assert "2 created" in done.stderr
    assert "2 unchanged" in again.stderr


def test_a_drifting_interval_keeps_the_phase_it_was_given(database: Database, tmp_path: Path) -> None:
    """Celery counts from the last run, which is a little later each time."""
    hourly = FoundInterval(timedelta(hours=1))

    outcomes = []
    for ran_at in (NOW, NOW + timedelta(hours=1.001)):
        job = FoundJob("tidy", "tidy", hourly, task="shop.tidy", last_run_at=ran_at)
        planned = planning.Planned(job, translate(job, Mapping()), None, "ready")
        plan = planning.MovePlan("beat-schedule:app", "beat-schedule", NOW, [planned])
        with database.transaction() as session:
            outcomes += applying.apply(session, plan, Wish(), now=NOW)

    assert [outcome.became for outcome in outcomes] == ["created", "unchanged"]
