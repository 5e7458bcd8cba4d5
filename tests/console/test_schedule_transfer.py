"""Schedules out to a file and in again: seen before it is done, and only what was seen is done."""

import json
from typing import Any

import pytest

from scheduler_service.storage.session import Database
from tests.console.pages import Browser, Node, read
from tests.support.rows import given_schedule, schedule, sql

NEW = {"name": "new", "task": "shop.orders", "timing": {"type": "interval", "every": 5, "period": "minutes"}}


def document(*schedules: dict[str, Any]) -> str:
    return json.dumps({"version": 1, "schedules": list(schedules)})


def looked(admin: Browser, text: str, **fields: str) -> Node:
    """The page that shows what the file would do."""
    page = admin.read("/schedules/import")
    return admin.send(page.one("form", action="/schedules/import"), document=text, format="json", **fields)


def names(database: Database, *ids: int) -> list[str]:
    return [schedule(database, key).name for key in ids]


@pytest.fixture
def two(held_database: Database) -> Database:
    for name in ("orders", "bills"):
        given_schedule(held_database, name=name, every=1, period="hours", tags=[name])
    return held_database


def test_the_selected_go_into_a_file(two: Database, viewer: Browser) -> None:
    answer = viewer.post("/schedules/export", {"id": ["2"], "format": "json"})

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="schedules-20260302-1200.json"'
    assert [item["name"] for item in answer.json()["schedules"]] == ["bills"]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param({}, ["bills", "orders"], id="all"),
        pytest.param({"query": "?tag=orders"}, ["orders"], id="those that match"),
        pytest.param({"query": "?tag=orders", "all": "1", "id": "2"}, ["orders"], id="all that match, not one"),
    ],
)
def test_all_that_match_go_into_a_file(
    two: Database, viewer: Browser, fields: dict[str, Any], found: list[str]
) -> None:
    answer = viewer.post("/schedules/export", {"format": "yaml", **fields})

    assert answer.headers["content-type"].startswith("application/yaml")
    assert [line.split(": ")[1] for line in answer.text.splitlines() if "name: " in line] == found


def test_a_file_is_shown_before_it_is_taken(two: Database, admin: Browser) -> None:
    changed = {"name": "orders", "task": "sample.count", "args": ["orders"], "tags": ["orders"], "queue": "heavy"}
    timed = changed | {"timing": {"type": "interval", "every": 2, "period": "hours"}}
    page = looked(admin, document(NEW, timed), prune="on", tags="bills")

    assert page.one(cls="lede").text == "This file would make 1, change 1, delete 1, and leave 0 as they are."
    [queue, every] = [row.text for row in sorted(page.one("table", cls="diff").all("tr"), key=lambda row: row.text)][
        ::-1
    ]
    assert "queue" in queue + every
    assert "timing.every" in queue + every
    assert names(two, 1, 2) == ["orders", "bills"]
    done = admin.send(page.one("form", action="/schedules/import"))
    assert done.one(cls="toast").text == "Imported: 1 new, 1 changed, 1 deleted."
    assert schedule(two, 1).queue == "heavy"
    assert schedule(two, 3).name == "new"


def test_only_what_was_seen_is_done(two: Database, admin: Browser) -> None:
    page = looked(admin, document(NEW))
    given_schedule(two, name="new", every=9, period="days")
    again = admin.send(page.one("form", action="/schedules/import"))

    assert "Somebody changed schedules since you looked" in again.one(role="alert").text
    assert "change 1" in again.one(cls="lede").text
    assert schedule(two, 3).task == "sample.count"
    admin.send(again.one("form", action="/schedules/import"))
    assert schedule(two, 3).task == "shop.orders"


def test_what_is_wrong_is_named_and_nothing_typed_is_lost(two: Database, admin: Browser) -> None:
    wrong = document(NEW | {"timing": {"type": "interval", "every": 0, "period": "minutes"}}, {"name": "half"})
    page = admin.read("/schedules/import")
    refused = admin.send(page.one("form", action="/schedules/import"), document=wrong, format="json", status=422)

    told = refused.one(role="alert").texts("code")
    assert "schedules.0.timing.every" in told
    assert "schedules.1.task" in told
    assert refused.one("textarea", name="document").value == wrong
    assert refused.one("select", name="format").value == "json"


@pytest.mark.parametrize("text", ["{", "", "- [", "version: 9"])
def test_no_file_at_all_is_told(two: Database, admin: Browser, text: str) -> None:
    page = admin.read("/schedules/import")
    answer = admin.post("/schedules/import", page.one("form", action="/schedules/import").fields() | {"document": text})

    assert answer.status_code in (400, 422)
    assert read(answer.text).one(role="alert").text


def test_an_export_changes_nothing_when_it_comes_back(two: Database, admin: Browser) -> None:
    exported = admin.post("/schedules/export", {"format": "json"}).text
    page = looked(admin, exported)

    assert page.one(cls="lede").text == "This file would make 0, change 0, delete 0, and leave 2 as they are."
    assert not any(button.text.startswith("Import") for button in page.all("button"))


def test_a_large_file_may_come(two: Database, admin: Browser) -> None:
    many = [NEW | {"name": f"new {number}", "description": "x" * 500} for number in range(2000)]

    assert "make 2000" in looked(admin, document(*many)).one(cls="lede").text


def test_only_admins_import(two: Database, operator: Browser) -> None:
    assert operator.http.get("/schedules/import").status_code == 403
    fields = {"document": document(NEW), "format": "json", "agreed": "x"}
    assert operator.post("/schedules/import", fields).status_code == 403
    sql(two, "SELECT 1")
    assert operator.read("/schedules").one(id="count").text == "2"
