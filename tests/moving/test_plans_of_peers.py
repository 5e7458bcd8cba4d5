"""Plans of what other schedulers than APScheduler hold, in stores that they have made."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scheduler_service.moving import mapping, planning
from scheduler_service.moving.applying import Outcome, Wish, apply
from scheduler_service.moving.found import Source
from scheduler_service.moving.mapping import JobMapping, Mapping
from scheduler_service.moving.planning import MovePlan, Planned
from scheduler_service.moving.sources.opening import open_source
from scheduler_service.storage.session import Database
from tests.moving.sources.test_beat_tables import Peer, peer, source  # noqa: F401 - fixtures

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def jobs_of(plan: MovePlan) -> dict[str, Planned]:
    return {planned.name: planned for planned in plan.jobs}


def applied(database: Database, plan: MovePlan) -> dict[str, Outcome]:
    with database.transaction() as session:
        return {outcome.name: outcome for outcome in apply(session, plan, Wish(), now=NOW)}


@pytest.mark.takes(10)
def test_celerys_own_tables_need_no_mapping(peer: Peer, source: Source, sqlite_url: str) -> None:  # noqa: F811
    plan = planning.plan(source, Mapping(), now=NOW)

    jobs = jobs_of(plan)
    unproved = {name for name, job in jobs.items() if job.proof and job.proof.rows and not job.proof.is_explained}
    assert unproved == set()
    assert {name for name, job in jobs.items() if job.standing == "to map"} == {"broken"}
    every = jobs["every 90 s"].document
    assert every is not None
    assert (every.queue, every.priority, every.overlap_policy) == ("heavy", 3, "allow_all")
    database = Database(sqlite_url)
    assert {name: it.became for name, it in applied(database, plan).items()} == {
        name: "left" if name == "broken" else "created" for name in jobs
    }
    assert {it.became for it in applied(database, plan).values()} == {"unchanged", "left"}
    database.close()


def test_a_crontabs_commands_are_mapped_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "crontab"
    path.write_text("*/15 8-18 * * mon-fri /opt/shop/count --all\n30 2 13 * 5 /opt/shop/close\n")
    found = open_source(f"crontab:{path}", timezone="Europe/Berlin")

    draft = mapping.read(mapping.draft(found.jobs(), source=found.label), file="move.yaml")
    said = Mapping(jobs={key: JobMapping(task="shop.run", args=[key]) for key in draft.jobs})

    assert set(draft.jobs) == {"/opt/shop/count --all", "/opt/shop/close"}
    jobs = jobs_of(planning.plan(found, said, now=NOW))
    assert {job.standing for job in jobs.values()} == {"differs"}  # its problem is told: it was a command
    assert {job.proof.is_equal for job in jobs.values() if job.proof} == {True}
