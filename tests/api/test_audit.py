"""The audit trail over HTTP: who, what, from where, old and new."""

from typing import Any

import httpx
import pytest

from scheduler_service.storage.session import Database
from tests.api.given import fields_of, given_schedule
from tests.api.test_lists import pages
from tests.support.rows import sql


def test_a_change_tells_who_made_it_and_from_where(api: httpx.Client) -> None:
    made = given_schedule(api)
    api.post(f"/schedules/{made['id']}/pause", json={"reason": "holidays"})

    paused, created = api.get("/audit").json()["items"]

    assert {name: paused[name] for name in paused if name not in ("id", "at")} == {
        "actor": "admin", "action": "pause", "source": "127.0.0.1", "subject_type": "schedule",
        "subject_id": str(made["id"]), "subject_name": "orders",
        "changes": {"enabled": [True, False], "paused_reason": [None, "holidays"]},
    }  # fmt: skip
    assert (created["action"], created["changes"]["task"]) == ("create", [None, "shop.collect_orders"])
    assert paused["at"].endswith("Z")


def test_events_are_found_by_what_they_are(api: httpx.Client, held_database: Database) -> None:
    first, second = given_schedule(api, "first"), given_schedule(api, "second")
    sql(held_database, "UPDATE periodic_task SET description = 'x' WHERE name = 'second'")
    api.post("/calendars", json={"name": "days off", "definition": {"weekly": ["sun"]}})

    def found(**query: Any) -> list[tuple[str, str]]:
        items = api.get("/audit", params=query).json()["items"]
        return [(item["action"], item["subject_name"]) for item in items]

    one, two, by_sql = ("create", "first"), ("create", "second"), ("update", "second")
    calendar = ("create", "days off")
    assert found() == [calendar, by_sql, two, one]
    assert found(actor="database") == [by_sql]
    assert found(action="create") == [calendar, two, one]
    assert found(subject_type="schedule", subject_id=second["id"]) == [by_sql, two]
    assert found(subject_type="calendar") == [calendar]
    assert found(source="127.0.0.1", subject_id=first["id"], subject_type="schedule") == [one]
    assert found(until="2026-01-01T00:00:00Z") == []
    assert len(found(since="2026-01-01T00:00:00Z")) == 4
    assert api.get("/audit", params={"total": True, "limit": 1, "action": "create"}).json()["total"] == 3


def test_pages_of_events_neither_repeat_nor_skip(api: httpx.Client) -> None:
    for number in range(5):
        given_schedule(api, f"number {number}")
    given_schedule(api, "last")

    seen = [item["subject_name"] for page in pages(api, "/audit", limit=2) for item in page]

    assert seen == ["last", *(f"number {number}" for number in reversed(range(5)))]


@pytest.mark.parametrize("query", ["since=yesterday", "actor=%00", "subject=1", "cursor=x", "limit=0"])
def test_what_does_not_name_events_is_refused(sqlite_api: httpx.Client, query: str) -> None:
    refused = sqlite_api.get(f"/audit?{query}")

    assert refused.status_code == 422
    assert list(fields_of(refused)) == [query.partition("=")[0]]
