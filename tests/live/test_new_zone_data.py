"""A Beat that starts with other time zone data than the last one has zoned schedules planned again."""

from datetime import timedelta

from scheduler_service.storage import zone_data
from scheduler_service.storage.session import Database
from tests.support.processes import Site
from tests.support.rows import given_schedule, schedule
from tests.support.waiting import eventually


def test_a_beat_plans_again_what_was_planned_with_old_data(postgres_site: Site, postgres_database: Database) -> None:
    zone_data.replan_after_change(postgres_database, current="old")
    key = given_schedule(postgres_database, cron="0 9 * * *", timezone="Europe/Berlin")
    by_old_data = postgres_database.clock.now() + timedelta(days=20)
    with postgres_database.transaction() as session:
        row = session.merge(schedule(postgres_database, key))
        row.next_run_at = row.next_occurrence_at = by_old_data

    beat = postgres_site.beat()

    eventually(lambda: schedule(postgres_database, key).next_run_at not in (None, by_old_data), within=10)
    with postgres_database.reading() as session:
        assert zone_data.known(session) == zone_data.VERSION
    assert f"the time zone data is {zone_data.VERSION} now: 1 schedules are planned again" in beat.log
