"""Lists of schedules: filtered, sorted, and read page by page while others write."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.schedule_lists import SORTS
from scheduler_service.storage.session import Database
from tests.api.given import CRONTAB, INTERVAL, fields_of, given_schedule
from tests.support.clock import ManualClock


def names(api: httpx.Client, **query: Any) -> list[str]:
    answer = api.get("/schedules", params=query)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


def pages(api: httpx.Client, path: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
    cursor: str | None = None
    while True:
        page = api.get(path, params=query | ({"cursor": cursor} if cursor else {})).json()
        yield page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def given_states(api: httpx.Client, database: Database) -> None:
    """A schedule in each state, named after it, with instants that differ."""
    for number, state in enumerate(("active", "paused", "completed", "quarantined", "unplanned")):
        made = given_schedule(api, state, timing=CRONTAB, tags=[state[0], "all"])
        with database.transaction() as session:
            row = session.get_one(PeriodicTask, made["id"])
            if state != "unplanned":
                row.next_run_at = database.clock.now() + timedelta(minutes=10 - number)
            row.completed_reason = "it is over" if state == "completed" else None
            row.quarantine_reason = "it is broken" if state == "quarantined" else None
    api.post("/schedules/2/pause", json={"reason": "x"})


def test_schedules_are_found_by_what_they_are(api: httpx.Client, held_database: Database) -> None:
    given_states(api, held_database)
    given_schedule(api, "100% of Ärger", task="collect.execute_task", description="an_underscore", args=[1])

    found = {
        "state=active": names(api, state="active"),
        "state=paused": names(api, state="paused"),
        "state=completed": names(api, state="completed"),
        "state=quarantined": names(api, state="quarantined"),
        "enabled": names(api, enabled=False),
        "kind": names(api, kind="collect"),
        "task": names(api, task="shop.collect_orders", limit=1),
        "tag": names(api, tag="p"),
        "tag that is part of another": names(api, tag="al"),
        "q in name": names(api, q="QUARANT"),
        "q is no pattern": names(api, q="%"),
        "q in description": names(api, q="n_u"),
        "q in other letters": names(api, q="Ärger"),
        "both": names(api, tag="all", state="paused"),
    }

    assert found == {
        "state=active": ["100% of Ärger", "active", "unplanned"],
        "state=paused": ["paused"],
        "state=completed": ["completed"],
        "state=quarantined": ["quarantined"],
        "enabled": ["paused"],
        "kind": ["100% of Ärger"],
        "task": ["active"],
        "tag": ["paused"],
        "tag that is part of another": [],
        "q in name": ["quarantined"],
        "q is no pattern": ["100% of Ärger"],
        "q in description": ["100% of Ärger"],
        "q in other letters": ["100% of Ärger"],
        "both": ["paused"],
    }


def test_schedules_are_found_by_each_field(api: httpx.Client, held_database: Database, clock: ManualClock) -> None:
    api.post("/calendars", json={"name": "days off", "definition": {"weekly": ["sun"]}})
    given_schedule(api, "orders", timing=CRONTAB, tags=["shop", "eu"], queue="heavy", calendar="days off")
    given_schedule(api, "refunds", timing=INTERVAL, tags=["shop"], overlap_policy="allow_all", description="of Orders")
    given_schedule(api, "stock", task="shop.count", timing=INTERVAL, tags=["näher", 'a "b"'])
    at = {"orders": (1, 10), "refunds": (2, 20)}
    with held_database.transaction() as session:
        for key, (name, (last, following)) in enumerate(at.items(), start=1):
            row = session.get_one(PeriodicTask, key)
            assert row.name == name
            row.last_run_at = clock.now() - timedelta(hours=last)
            row.next_run_at = clock.now() + timedelta(minutes=following)
        session.get_one(PeriodicTask, 3).created_at = datetime(2026, 1, 1, tzinfo=UTC)
    hour_ago, soon = (
        (clock.now() - timedelta(minutes=90)).isoformat(),
        (clock.now() + timedelta(minutes=15)).isoformat(),
    )

    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({"name": "orders"}, ["orders"]),
        ({"name": "order"}, []),
        ({"tag": ["shop", "eu"]}, ["orders"]),
        ({"tag": ["shop", "näher"]}, []),
        ({"q": "shop orders"}, ["orders", "refunds"]),
        ({"q": "orders of"}, ["refunds"]),
        ({"q": "näh"}, ["stock"]),
        ({"q": '"b"'}, ["stock"]),
        ({"queue": "heavy"}, ["orders"]),
        ({"calendar": "days off"}, ["orders"]),
        ({"calendar": "no such days"}, []),
        ({"timing": "interval"}, ["refunds", "stock"]),
        ({"timing": "solar"}, []),
        ({"overlap_policy": "allow_all"}, ["refunds"]),
        ({"last_run_after": hour_ago}, ["orders"]),
        ({"last_run_before": hour_ago}, ["refunds"]),
        ({"next_run_after": soon}, ["refunds"]),
        ({"next_run_before": soon}, ["orders"]),
        ({"created_before": "2026-02-01T00:00:00Z"}, ["stock"]),
        ({"created_after": "2026-02-01T00:00:00Z"}, ["orders", "refunds"]),
        ({"changed_before": "2026-01-01T00:00:00Z"}, []),
    ]
    assert [(query, names(api, **query)) for query, _ in expected] == expected


def test_a_list_is_counted_when_asked(api: httpx.Client) -> None:
    for number in range(3):
        given_schedule(api, str(number), tags=["all"] if number else [])

    first = api.get("/schedules", params={"limit": 1, "total": True, "tag": "all"}).json()
    second = api.get("/schedules", params={"limit": 1, "cursor": first["next_cursor"], "tag": "all"}).json()

    assert (first["total"], len(first["items"])) == (2, 1)
    assert "total" not in second


def test_next_run_is_told_of_active_schedules_only(api: httpx.Client, held_database: Database) -> None:
    given_states(api, held_database)

    items = api.get("/schedules").json()["items"]

    assert {item["name"] for item in items if item["next_run_at"]} == {"active"}


def test_schedules_without_a_next_run_come_last_in_either_direction(api: httpx.Client, held_database: Database) -> None:
    given_states(api, held_database)
    given_schedule(api, "soon")
    with held_database.transaction() as session:
        session.get_one(PeriodicTask, 6).next_run_at = held_database.clock.now()

    upwards = [item["name"] for page in pages(api, "/schedules", sort="next_run_at", limit=2) for item in page]
    downwards = [item["name"] for page in pages(api, "/schedules", sort="-next_run_at", limit=2) for item in page]

    assert upwards == ["soon", "active", "paused", "completed", "quarantined", "unplanned"]
    assert downwards == ["active", "soon", "unplanned", "quarantined", "completed", "paused"]


@pytest.mark.parametrize("sort", [f"{sign}{by}" for by in SORTS for sign in ("", "-")])
def test_pages_neither_repeat_nor_skip_while_others_write(sqlite_api: httpx.Client, sort: str) -> None:
    for number in range(7):
        given_schedule(sqlite_api, f"there {number}")

    seen: list[str] = []
    for page in pages(sqlite_api, "/schedules", sort=sort, limit=2):
        seen += [item["name"] for item in page]
        given_schedule(sqlite_api, f"a new one {len(seen)}") if len(seen) < 7 else None
        given_schedule(sqlite_api, f"zz new one {len(seen)}") if len(seen) < 7 else None

    there = [name for name in seen if name.startswith("there")]
    assert sorted(there) == [f"there {number}" for number in range(7)]
    assert len(seen) == len(set(seen))


def test_pages_follow_each_other_on_either_database(api: httpx.Client) -> None:
    for number in (3, 1, 2):
        given_schedule(api, f"n{number}")

    for sort, expected in (("name", ["n1", "n2", "n3"]), ("-created_at", ["n2", "n1", "n3"])):
        sizes = [[item["name"] for item in page] for page in pages(api, "/schedules", sort=sort, limit=2)]

        assert sizes == [expected[:2], expected[2:]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "x" * 5000}, "cursor"),
        ({"cursor": "bnVsbA"}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
        ({"sort": "id"}, "sort"),
        ({"state": "enabled"}, "state"),
        ({"kind": "backup"}, "kind"),
        ({"enabled": "perhaps"}, "enabled"),
        ({"q": "\0"}, "q"),
        ({"tag": ""}, "tag"),
        ({"task": "x" * 201}, "task"),
        ({"tag": ["x"] * 21}, "tag"),
        ({"timing": "cron"}, "timing"),
        ({"overlap_policy": "never"}, "overlap_policy"),
        ({"next_run_after": "tomorrow"}, "next_run_after"),
        ({"created_before": "2026-01-01"}, "created_before"),
        ({"total": "many"}, "total"),
        ({"title": "orders"}, "title"),
    ],
)
def test_a_question_that_is_not_understood_is_refused(sqlite_api: httpx.Client, query: Any, field: str) -> None:
    refused = sqlite_api.get("/schedules", params=query)

    assert refused.status_code == 422
    assert list(fields_of(refused)) == [field]


def test_a_cursor_belongs_to_one_list_and_order(sqlite_api: httpx.Client) -> None:
    given_schedule(sqlite_api, "one")
    given_schedule(sqlite_api, "two")
    cursor = sqlite_api.get("/schedules", params={"limit": 1}).json()["next_cursor"]

    answers = [
        sqlite_api.get("/schedules", params={"cursor": cursor, "sort": "-name"}),
        sqlite_api.get("/schedules", params={"cursor": cursor, "sort": "created_at"}),
        sqlite_api.get("/runs", params={"cursor": cursor}),
        sqlite_api.get("/collect-tasks", params={"cursor": cursor}),
    ]

    assert [list(fields_of(answer)) for answer in answers] == [["cursor"]] * 4


def test_what_other_programs_wrote_is_shown_and_can_be_mended(api: httpx.Client, held_database: Database) -> None:
    with held_database.transaction() as session:
        session.execute(text("INSERT INTO crontab_schedule (minute, timezone) VALUES ('99', 'Mars')"))
        session.execute(
            text(
                "INSERT INTO periodic_task (name, task, crontab_id, tags, overlap_policy)"
                " VALUES ('by hand', 't', 1, '[7]', 'buffer_one')"
            )
        )

    shown = api.get("/schedules").json()["items"][0]
    preview = api.get("/schedules/1/next")
    renamed = api.patch("/schedules/1", json={"name": "by a person"})
    mended = api.patch("/schedules/1", json={"timing": CRONTAB | {"timezone": "UTC"}})

    assert (shown["timing"]["minute"], shown["args"], shown["kwargs"], shown["tags"]) == ("99", [], {}, ["7"])
    assert shown["timing_text"].startswith("not understood: minute: 99 is not within 0-59")
    assert list(fields_of(preview)) == ["minute", "timezone"]
    assert (renamed.status_code, renamed.json()["overlap_policy"]) == (200, "buffer_one")
    assert mended.json()["timing_text"] == "every 5 minutes"
