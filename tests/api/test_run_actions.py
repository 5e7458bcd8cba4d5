"""Ending runs and trying them again, by REST."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from scheduler_service.storage import attempts, publishing
from scheduler_service.storage.attempts import Ending
from scheduler_service.storage.session import Database
from tests.api.given import given_schedule
from tests.support.clock import ManualClock


@pytest.fixture
def run(api: httpx.Client) -> dict[str, Any]:
    """A run that somebody triggered, and no Beat has sent."""
    schedule = given_schedule(api)
    body: dict[str, Any] = api.post(f"/schedules/{schedule['id']}/trigger", json={}).json()
    return body


def starts(database: Database, clock: ManualClock, run: dict[str, Any], *, attempt: int = 1) -> bool:
    with database.transaction() as session:
        return attempts.claim(session, UUID(run["id"]), attempt, worker="w", now=clock.now())


def ends(database: Database, clock: ManualClock, run: dict[str, Any], state: str) -> None:
    with database.transaction() as session:
        ending = Ending(state, error="why")
        assert attempts.finish(session, UUID(run["id"]), 1, ending, now=clock.now())


def test_a_run_that_has_not_started_is_ended_at_once_and_never_starts(
    api: httpx.Client, held_database: Database, clock: ManualClock, run: dict[str, Any]
) -> None:
    with held_database.transaction() as session:
        publishing.mark_published(session, [UUID(run["id"])], now=clock.now())

    cancelled = api.post(f"/runs/{run['id']}/cancel")

    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    assert cancelled.json()["reason"] == "cancelled by admin"
    assert not starts(held_database, clock, run)


@pytest.mark.parametrize(("body", "mode"), [({}, "ask"), ({"terminate": True}, "terminate")])
def test_a_running_one_is_asked(
    api: httpx.Client, held_database: Database, clock: ManualClock, run: dict[str, Any], body: Any, mode: str
) -> None:
    starts(held_database, clock, run)

    asked = api.post(f"/runs/{run['id']}/cancel", json=body)

    assert (asked.status_code, asked.json()["state"]) == (202, "running")
    with held_database.reading() as session:
        assert session.scalar(text("SELECT cancel_mode FROM task_run")) == mode


def test_what_has_ended_cannot_be_ended(
    api: httpx.Client, held_database: Database, clock: ManualClock, run: dict[str, Any]
) -> None:
    starts(held_database, clock, run)
    ends(held_database, clock, run, "succeeded")

    refused = api.post(f"/runs/{run['id']}/cancel")

    assert (refused.status_code, refused.json()["code"]) == (409, "run_finished")


def test_a_finished_run_gets_another_attempt(
    api: httpx.Client, held_database: Database, clock: ManualClock, run: dict[str, Any]
) -> None:
    starts(held_database, clock, run)
    ends(held_database, clock, run, "failed")

    again = api.post(f"/runs/{run['id']}/retry").json()

    assert (again["state"], again["attempt"], again["error"], again["finished_at"]) == ("pending", 2, None, None)
    assert not starts(held_database, clock, run, attempt=1)
    assert starts(held_database, clock, run, attempt=2)


def test_a_cancelled_run_that_never_started_keeps_its_attempt(api: httpx.Client, run: dict[str, Any]) -> None:
    api.post(f"/runs/{run['id']}/cancel")

    again = api.post(f"/runs/{run['id']}/retry").json()

    assert (again["state"], again["attempt"], again["reason"]) == ("pending", 1, "tried again by admin")


def test_what_goes_on_cannot_be_tried_again(api: httpx.Client, run: dict[str, Any]) -> None:
    refused = api.post(f"/runs/{run['id']}/retry")

    assert (refused.status_code, refused.json()["code"]) == (409, "run_unfinished")


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_an_unknown_run_is_not_found(api: httpx.Client, action: str) -> None:
    assert api.post(f"/runs/{uuid7()}/{action}").json()["code"] == "run_not_found"


def test_both_are_in_the_audit_trail(api: httpx.Client, held_database: Database, run: dict[str, Any]) -> None:
    api.post(f"/runs/{run['id']}/cancel")
    api.post(f"/runs/{run['id']}/retry")

    with held_database.reading() as session:
        events = session.execute(
            text("SELECT actor, action FROM audit_event WHERE subject_type = 'run' ORDER BY id")
        ).all()
    assert [tuple(event) for event in events] == [("admin", "cancel"), ("admin", "retry")]
