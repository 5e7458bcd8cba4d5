"""Rows that were written past the API and mean nothing: set aside with the reason, and back when they are mended."""

import logging
from typing import Any

import httpx
import pytest

from scheduler_service.storage.session import Database
from tests.api.given import fields_of, planned
from tests.support.rows import given_calendar, given_schedule, sql

WEEKLY = "DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=WEEKLY;BYDAY=MO"


@pytest.mark.parametrize(
    ("fields", "reason", "mended"),
    [
        pytest.param(
            {"cron": "0 9 * * *", "timezone": "Europe/Berln"}, "near to it: Europe/Berlin",
            "UPDATE crontab_schedule SET timezone = 'Europe/Berlin'", id="crontab",
        ),
        pytest.param(
            {"solar": ("sunsett", 52.5, 13.4)}, "near to it: sunset",
            "UPDATE solar_schedule SET event = 'sunset'", id="solar event",
        ),
        pytest.param(
            {"solar": ("sunset", 152.5, 13.4)}, "latitude",
            "UPDATE solar_schedule SET latitude = 52.5", id="solar place",
        ),
        pytest.param(
            {"rrule": "every monday"}, "is none of DTSTART, RRULE",
            f"UPDATE rrule_schedule SET rule = '{WEEKLY}'", id="rrule",
        ),
        pytest.param(
            {"cron": "0 9 * * *", "calendar_id": 1}, "calendar.definition.dates.0",
            """UPDATE calendar SET definition = '{"dates": ["2026-12-25"]}'""", id="calendar",
        ),
    ],
)  # fmt: skip
def test_a_row_that_means_nothing_is_set_aside_with_its_reason_until_it_is_mended(
    api: httpx.Client,
    held_database: Database,
    caplog: pytest.LogCaptureFixture,
    fields: dict[str, Any],
    reason: str,
    mended: str,
) -> None:
    given_calendar(held_database, dates=["christmas"])
    broken = given_schedule(held_database, name="broken", **fields)
    good = given_schedule(held_database, name="good", every=10)

    with caplog.at_level(logging.WARNING):
        planned(held_database, broken)
    set_aside, other = (api.get(f"/schedules/{key}").json() for key in (broken, good))
    listed = api.get("/schedules", params={"state": "quarantined"}).json()["items"]
    sql(held_database, mended)
    planned(held_database, broken)
    back = api.get(f"/schedules/{broken}").json()

    assert (set_aside["state"], set_aside["next_run_at"]) == ("quarantined", None)
    assert reason in set_aside["quarantine_reason"]
    assert any(f"schedule {broken} (broken) was quarantined" in line and reason in line for line in caplog.messages)
    assert [item["name"] for item in listed] == ["broken"]
    assert (other["state"], other["next_run_at"] is not None) == ("active", True)
    assert (back["state"], back["quarantine_reason"], back["next_run_at"] is not None) == ("active", None, True)


def test_a_broken_row_is_mended_over_the_api_too(api: httpx.Client, held_database: Database) -> None:
    broken = given_schedule(held_database, rrule="every monday")
    planned(held_database, broken)

    other = api.patch(f"/schedules/{broken}", json={"description": "what is wrong here?"})
    mended = api.patch(f"/schedules/{broken}", json={"timing": {"rule": WEEKLY}})

    assert (other.status_code, other.json()["state"]) == (200, "quarantined")
    assert other.json()["timing_text"].startswith("not understood: rule:")
    assert (mended.status_code, mended.json()["state"]) == (200, "active")


def test_a_calendar_that_means_nothing_is_not_taken_into_use(api: httpx.Client, held_database: Database) -> None:
    given_calendar(held_database, dates=["christmas"])
    broken = given_schedule(held_database, rrule="every monday")
    good = given_schedule(held_database, name="good", every=10)

    refused = api.patch(f"/schedules/{good}", json={"calendar": "days off"})
    mended = api.patch(f"/schedules/{broken}", json={"timing": {"rule": WEEKLY}, "calendar": None})

    assert list(fields_of(refused)) == ["calendar.definition.dates.0"]
    assert mended.status_code == 200
