"""What workers have made known can be scheduled, as its signature says; the rest is refused, with names near to it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from celery import Celery

from scheduler_service.services import arguments
from scheduler_service.storage import workers
from scheduler_service.storage.models import Worker
from scheduler_service.storage.session import Database
from scheduler_service.storage.workers import KnownTask
from scheduler_service.worker.signatures import known_task
from tests.api.given import fields_of, given_schedule, schedule_body
from tests.support.clock import ManualClock


def tasks_of_a_shop() -> list[KnownTask]:
    """As a worker reads them from an app's code."""
    app = Celery("shop", set_as_current=False)
    app.conf.task_routes = {"shop.report": "heavy"}

    def collect(source: str, limit: int = 100, *, since: str | None = None, tags: list[str] = []) -> None:  # noqa: B006
        """Bring in what a source has.

        And more about it.
        """

    def report(*rows: int, **options: Any) -> None: ...

    def ping(self: Any) -> None: ...

    app.task(name="shop.collect", shared=False)(collect)
    app.task(name="shop.report", shared=False, acks_late=True)(report)
    app.task(name="shop.ping", shared=False, bind=True)(ping)
    return [known_task(app.tasks[name]) for name in ("shop.collect", "shop.ping", "shop.report", "celery.chord")]


def given_worker(database: Database, name: str, tasks: list[KnownTask], *, stopped: bool = False) -> None:
    now = database.clock.now()
    row = Worker(name=name, queues=["celery"], concurrency=1, pid=1, started_at=now, last_heartbeat_at=now)
    with database.transaction() as session:
        workers.register(session, row, tasks, now=now, first=True)
        if stopped:
            workers.stopped(session, name, now=now)


@pytest.fixture
def shop(api: httpx.Client, held_database: Database) -> httpx.Client:
    given_worker(held_database, "w1@host", tasks_of_a_shop())
    return api


def test_tasks_are_listed_with_what_they_take_and_who_knows_them(
    shop: httpx.Client, held_database: Database, clock: ManualClock
) -> None:
    given_worker(held_database, "w2@host", tasks_of_a_shop()[:1])
    given_worker(held_database, "gone@host", tasks_of_a_shop()[:1], stopped=True)

    items = shop.get("/tasks").json()["items"]

    assert [item["name"] for item in items] == ["shop.collect", "shop.ping", "shop.report"]
    assert items[0] == {
        "name": "shop.collect",
        "kind": "other",
        "queue": "celery",
        "doc": "Bring in what a source has.",
        "arguments": {
            "type": "object",
            "properties": {
                "source": {"type": "string"},
                "limit": {"type": "integer", "default": 100},
                "since": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                "tags": {"type": "array", "items": {"type": "string"}, "default": []},
            },
            "required": ["source"],
            "additionalProperties": False,
            "x-positional": ["source", "limit"],
        },
        "acks_late": False,
        "workers": ["w1@host", "w2@host"],
    }
    assert (items[2]["queue"], items[2]["acks_late"]) == ("heavy", True)

    clock.advance(timedelta(seconds=61))
    assert [item["workers"] for item in shop.get("/tasks").json()["items"]] == [[], [], []]


def test_tasks_are_read_page_by_page(shop: httpx.Client) -> None:
    first = shop.get("/tasks", params={"limit": 2, "total": True}).json()
    second = shop.get("/tasks", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    found = shop.get("/tasks", params={"q": "BRING"}).json()

    assert [item["name"] for item in first["items"]] == ["shop.collect", "shop.ping"]
    assert first["total"] == 3
    assert [item["name"] for item in second["items"]] == ["shop.report"]
    assert second["next_cursor"] is None
    assert "total" not in second
    assert [item["name"] for item in found["items"]] == ["shop.collect"]


def test_until_a_worker_has_told_of_its_tasks_any_can_be_scheduled(api: httpx.Client) -> None:
    assert api.post("/schedules", json=schedule_body(task="who.knows", args=[1])).status_code == 201


def test_an_unknown_task_is_refused_with_names_near_to_it(shop: httpx.Client) -> None:
    refused = shop.post("/schedules", json=schedule_body(task="shop.colect", kwargs={"source": "x"}))

    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {
            "field": "task",
            "reason": "no worker knows a task named 'shop.colect'; near to it: shop.collect, shop.report"
            " (allow_unknown_task takes it all the same)",
            "example": "shop.collect",
        }
    ]


def test_an_unknown_task_may_be_allowed(shop: httpx.Client) -> None:
    allowed = {"allow_unknown_task": True}
    made = shop.post("/schedules", json=schedule_body(task="their.own") | allowed)
    moved = shop.patch("/schedules/1", json={"task": "their.other"})
    moved_allowed = shop.patch("/schedules/1", json={"task": "their.other"} | allowed)
    edited = shop.patch("/schedules/1", json={"args": [1], "description": "no task in sight"})
    put = shop.put("/schedules/1", json=schedule_body(task="their.third"))
    file = {"version": 1, "schedules": [schedule_body("b", task="their.own")]}
    brought = [shop.post("/schedules/import", json=file, params=query) for query in ({}, allowed)]

    assert made.status_code == 201
    assert "allow_unknown_task" not in made.json()
    assert list(fields_of(moved)) == list(fields_of(put)) == ["task"]
    assert (moved_allowed.status_code, edited.status_code) == (200, 200)
    assert [answer.status_code for answer in brought] == [422, 200]
    assert list(fields_of(brought[0])) == ["schedules.0.task"]


@pytest.mark.parametrize(
    ("args", "kwargs", "problems"),
    [
        pytest.param(["x", 5], {"since": "y", "tags": ["a"]}, {}, id="all good"),
        pytest.param([], {"source": "x", "since": None}, {}, id="by name"),
        pytest.param([], {}, {"kwargs.source": "is required by the task"}, id="missing"),
        pytest.param([5], {}, {"args.0": "5 is not of type 'string'"}, id="a wrong one by place"),
        pytest.param(
            [], {"source": "x", "limit": "5"}, {"kwargs.limit": "'5' is not of type 'integer'"}, id="a wrong one"
        ),
        pytest.param([], {"source": "x", "limit": True}, {"kwargs.limit": "True is not of type 'integer'"}, id="truth"),
        pytest.param(["x"], {"tags": ["a", 1]}, {"kwargs.tags.1": "1 is not of type 'string'"}, id="inside"),
        pytest.param(["x"], {"source": "y"}, {"kwargs.source": "is given by args.0 as well"}, id="twice"),
        pytest.param(
            ["x"], {"limt": 1}, {"kwargs.limt": "is no argument of the task; near to it: limit"}, id="unknown"
        ),
        pytest.param(
            ["x", 1, 2], {}, {"args.2": "is too many: the task takes 2 by place (source, limit)"}, id="too many"
        ),
        pytest.param(
            ["x"],
            {"since": 1},
            {"kwargs.since": "1 is not of type 'string', or 1 is not of type 'null'"},
            id="none of several",
        ),
    ],
)
def test_arguments_are_held_to_the_signature(args: list[Any], kwargs: dict[str, Any], problems: dict[str, str]) -> None:
    schema = tasks_of_a_shop()[0].arguments

    found = arguments.problems_of(schema, args, kwargs)

    assert {problem.field: problem.reason for problem in found} == problems


def test_a_task_that_takes_anything_is_given_anything() -> None:
    schema = tasks_of_a_shop()[2].arguments

    assert arguments.problems_of(schema, [1, "x", None], {"any": {"thing": 1}}) == []


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "object"}, id="open"),
        pytest.param({}, id="nothing told"),
        pytest.param({"properties": {"a": {"type": "no such type"}}}, id="an unknown type"),
        pytest.param({"properties": {"a": {"$ref": "https://127.0.0.1:9/x"}}}, id="a reference to elsewhere"),
        pytest.param({"properties": {"a": {"$ref": "#/$defs/none"}}}, id="a reference to nothing"),
        pytest.param({"properties": {"a": 7}}, id="no schema"),
    ],
)
def test_a_schema_that_tells_nothing_refuses_nothing(schema: dict[str, Any]) -> None:
    assert arguments.problems_of(schema, [], {"a": 1}) == []


def test_each_bad_argument_is_named(shop: httpx.Client) -> None:
    refused = shop.post("/schedules", json=schedule_body(task="shop.collect", args=[1], kwargs={"limit": "x", "y": 1}))

    assert set(fields_of(refused)) == {"args.0", "kwargs.limit", "kwargs.y"}


def test_an_edit_is_held_to_it_when_it_touches_the_call(shop: httpx.Client, held_database: Database) -> None:
    made = given_schedule(shop, task="shop.collect", args=["x"])
    path = f"/schedules/{made['id']}"

    wrong = shop.patch(path, json={"kwargs": {"limit": "x"}})
    other_task = shop.patch(path, json={"task": "shop.ping"})
    learnt = KnownTask("shop.collect", "", False, {"properties": {"new": {}}, "additionalProperties": False})
    given_worker(held_database, "w1@host", [learnt])
    elsewhere = shop.patch(path, json={"description": "the worker has learnt otherwise"})
    triggered = shop.post(f"{path}/trigger", json={"kwargs": {"limit": "x"}})

    assert list(fields_of(wrong)) == ["kwargs.limit"]
    assert list(fields_of(other_task)) == ["args.0"]
    assert elsewhere.status_code == 200
    assert list(fields_of(triggered)) == ["kwargs.limit"]


def test_what_one_worker_that_lives_would_take_is_taken(shop: httpx.Client, held_database: Database) -> None:
    newer = KnownTask("shop.collect", "", False, {"properties": {"to": {}}, "required": ["to"]})
    given_worker(held_database, "w2@host", [newer])

    answers = [
        shop.post("/schedules", json=schedule_body(str(number), task="shop.collect", kwargs=kwargs)).status_code
        for number, kwargs in enumerate(({"to": 1}, {"source": "x"}, {"neither": 1}))
    ]

    assert answers == [201, 201, 422]
