"""Schedules, made, read, changed and deleted over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from scheduler_service.api.app import create_api
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import CRONTAB, INTERVAL, fields_of, given_schedule, planned, problem, row_of, schedule_body
from tests.api.serving import KEY, Server

WIRE = [
    "id", "name", "kind", "task", "args", "kwargs", "timing", "timing_text", "enabled", "state", "paused_reason",
    "shadow",
    "completed_reason", "quarantine_reason", "after", "start_time", "expires", "expire_seconds", "one_off",
    "max_runs", "queue", "exchange", "routing_key",
    "headers", "priority", "jitter_seconds", "misfire_policy", "misfire_grace_seconds", "catchup_window_seconds",
    "catchup_limit", "overlap_policy", "buffer_limit", "pause_after_failures", "retry_max", "retry_delay_seconds",
    "soft_time_limit_seconds", "time_limit_seconds", "start_deadline_seconds", "keep_runs_days", "calendar", "tags",
    "description", "next_run_at", "last_run_at", "total_run_count", "revision", "created_at", "date_changed",
]  # fmt: skip

EVERYTHING: dict[str, Any] = {
    "kind": "report",
    "args": [1, 2.5, "três", None, {"deep": [True]}],
    "kwargs": {"since": "yesterday", "nothing": None},
    "timing": {
        "type": "crontab", "minute": "0", "hour": "9", "day_of_month": "*", "month_of_year": "*",
        "day_of_week": "mon-fri", "timezone": "Europe/Berlin", "day_match": "or",
    },
    "enabled": False,
    "paused_reason": "the shop moves",
    "start_time": "2026-01-01T00:00:00Z",
    "expires": "2027-01-01T00:00:00.500000Z",
    "expire_seconds": 600,
    "one_off": True,
    "max_runs": 9,
    "queue": "heavy",
    "exchange": "work",
    "routing_key": "work.heavy",
    "headers": {"tenant": "7"},
    "priority": 5,
    "jitter_seconds": 20,
    "misfire_policy": "fire_all",
    "misfire_grace_seconds": 0,
    "catchup_window_seconds": 3600,
    "catchup_limit": 50,
    "overlap_policy": "buffer_all",
    "buffer_limit": 20,
    "pause_after_failures": 5,
    "retry_max": 2,
    "retry_delay_seconds": 30,
    "soft_time_limit_seconds": 50,
    "time_limit_seconds": 60,
    "start_deadline_seconds": 600,
    "keep_runs_days": 7,
    "tags": ["shop", "eu"],
    "description": "Every order.\nAlso the late ones.",
}  # fmt: skip


def test_a_schedule_needs_a_name_a_task_and_a_timing_and_nothing_else(api: httpx.Client) -> None:
    answer = api.post("/schedules", json={"name": " orders ", "task": "shop.collect", "timing": CRONTAB})

    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/schedules/{made['id']}"
    assert answer.headers["etag"] == '"1"'
    assert list(made) == WIRE
    assert (made["name"], made["kind"], made["state"], made["overlap_policy"]) == ("orders", "other", "active", "skip")
    assert made["timing"]["minute"] == "*/5"
    assert made["timing_text"] == "every 5 minutes"
    assert (made["after"], made["calendar"], made["pause_after_failures"]) == ([], None, None)


def test_what_was_written_is_what_is_read(api: httpx.Client) -> None:
    made = given_schedule(api, **EVERYTHING)

    read = api.get(f"/schedules/{made['id']}")

    assert read.json() == made
    assert {name: made[name] for name in EVERYTHING} == EVERYTHING
    assert read.headers["etag"] == '"1"'


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ("collect.execute_task", "collect"),
        ("etl.execute_pipeline", "etl"),
        ("report.generate_scheduled", "report"),
        ("collect.something_else", "other"),
    ],
)
def test_the_kind_is_told_by_the_task(sqlite_api: httpx.Client, task: str, kind: str) -> None:
    made = given_schedule(sqlite_api, task=task)

    moved = sqlite_api.patch(f"/schedules/{made['id']}", json={"task": "shop.other"})

    assert made["kind"] == kind
    assert moved.json()["kind"] == "other"


def test_a_kind_that_a_person_gave_stays(api: httpx.Client) -> None:
    made = given_schedule(api, task="shop.report", kind="report")

    moved = api.patch(f"/schedules/{made['id']}", json={"task": "collect.execute_task"})

    assert moved.json()["kind"] == "report"


def test_what_was_read_can_be_sent_back_and_changes_nothing(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api, **EVERYTHING | {"enabled": True, "paused_reason": None})
    before = planned(held_database, made["id"])

    again = api.put(f"/schedules/{made['id']}", json=api.get(f"/schedules/{made['id']}").json())

    after = row_of(held_database, made["id"])
    assert (again.status_code, again.headers["etag"]) == (200, '"1"')
    assert (after.date_changed, after.next_run_at) == (before.date_changed, before.next_run_at)


def test_a_replacement_gives_what_it_leaves_out_its_default(api: httpx.Client) -> None:
    made = given_schedule(api, **EVERYTHING)

    replaced = api.put(f"/schedules/{made['id']}", json=schedule_body("other name")).json()

    fresh = given_schedule(api, "fresh")
    own = {"id", "name", "revision", "created_at", "date_changed"}
    assert {key: replaced[key] for key in set(WIRE) - own} == {key: fresh[key] for key in set(WIRE) - own}
    assert (replaced["name"], replaced["revision"]) == ("other name", 2)


def test_an_edit_of_many_fields_is_one_revision(api: httpx.Client) -> None:
    made = given_schedule(api)

    patched = api.patch(f"/schedules/{made['id']}", json={"timing": CRONTAB, "queue": "heavy", "name": "renamed"})

    assert (patched.json()["revision"], patched.headers["etag"]) == (2, '"2"')
    assert api.get(f"/schedules/{made['id']}").json() == patched.json()


def test_null_in_a_patch_gives_the_default_back(api: httpx.Client) -> None:
    made = given_schedule(api, queue="heavy", priority=3, description="x", kwargs={"a": 1, "b": {"c": 2, "d": 3}})

    patch = {"queue": None, "priority": None, "description": None, "kwargs": {"a": None, "b": {"c": None, "e": 4}}}
    patched = api.patch(f"/schedules/{made['id']}", json=patch).json()

    assert (patched["queue"], patched["priority"], patched["description"]) == (None, None, "")
    assert patched["kwargs"] == {"b": {"d": 3, "e": 4}}


def test_true_in_place_of_one_is_a_change(api: httpx.Client) -> None:
    made = given_schedule(api, args=[1])

    patched = api.patch(f"/schedules/{made['id']}", json={"args": [True]}).json()

    assert (patched["args"], patched["revision"]) == ([True], 2)


def test_a_patch_may_not_touch_what_the_service_sets_nor_remove_what_is_needed(api: httpx.Client) -> None:
    made = given_schedule(api)

    refused = api.patch(f"/schedules/{made['id']}", json={"revision": 7, "next_run_at": None, "task": None, "x": 1})

    assert refused.status_code == 422
    assert fields_of(refused) == {
        "revision": "is set by the service",
        "next_run_at": "is set by the service",
        "task": "cannot be removed",
        "x": "is not a known field",
    }


def test_a_header_that_celery_sets_itself_is_refused(api: httpx.Client) -> None:
    refused = api.post("/schedules", json=schedule_body(headers={"tenant": "7", "id": "x", "retries": 3}))

    assert fields_of(refused) == dict.fromkeys(("headers.id", "headers.retries"), "is set by Celery itself")


def test_a_patch_may_not_leave_a_schedule_without_any_when(api: httpx.Client) -> None:
    made = given_schedule(api)

    refused = api.patch(f"/schedules/{made['id']}", json={"timing": None})

    assert fields_of(refused) == {"timing": "is required, or after"}


def test_a_patch_is_checked_against_what_it_leaves_alone(api: httpx.Client) -> None:
    made = given_schedule(api, start_time="2026-05-01T00:00:00Z")

    refused = api.patch(f"/schedules/{made['id']}", json={"expires": "2026-04-01T00:00:00Z"})

    assert fields_of(refused) == {"expires": "must be after start_time"}


def test_an_edit_of_what_somebody_else_has_changed_is_refused(api: httpx.Client) -> None:
    made = given_schedule(api)
    path = f"/schedules/{made['id']}"
    api.patch(path, json={"description": "somebody else was here"})

    stale = {"If-Match": '"1"'}
    answers = [
        api.patch(path, json={"description": "mine"}, headers=stale),
        api.put(path, json=schedule_body(), headers=stale),
        api.post(f"{path}/pause", json={"reason": "x"}, headers=stale),
        api.post(f"{path}/resume", headers=stale),
        api.delete(path, headers=stale),
    ]

    current = api.get(path).json()
    assert current["description"] == "somebody else was here"
    for answer in answers:
        refusal = problem(answer)
        assert (answer.status_code, refusal["code"], answer.headers["etag"]) == (412, "revision_mismatch", '"2"')
        assert refusal["current"].items() <= current.items()
        assert {"id", "revision", "name", "timing", "queue", "tags"} <= refusal["current"].keys()


def test_a_setting_makes_people_say_what_they_have_read(
    server: Server, held_database: Database, warehouse: Warehouse
) -> None:
    server.app = create_api(held_database, admin_key=KEY, warehouse=warehouse, require_if_match=True)
    with server.client() as api:
        path = f"/schedules/{given_schedule(api)['id']}"
        calendar = api.post("/calendars", json={"name": "days off", "definition": {"weekly": ["sun"]}})
        refused = [
            api.patch(path, json={"description": "x"}),
            api.put(path, json=schedule_body()),
            api.delete(path),
            api.delete(calendar.headers["location"].removeprefix("/api/v1")),
        ]
        said = api.patch(path, json={"description": "x"}, headers={"If-Match": refused[0].headers["etag"]})
        any_will_do = api.patch(path, json={"description": "y"}, headers={"If-Match": "*"})
        paused = api.post(f"{path}/pause")

    assert {(answer.status_code, problem(answer)["code"]) for answer in refused} == {(428, "if_match_required")}
    assert problem(refused[0])["current"]["description"] == ""
    assert problem(refused[3])["current"]["definition"] == {"weekly": ["sun"]}
    assert [answer.status_code for answer in (said, any_will_do, paused)] == [200, 200, 200]


@pytest.mark.parametrize(
    ("tag", "status"),
    [('"1"', 200), ("*", 200), ('"9", "1"', 200), ('W/"1"', 412), ('"2"', 412), ("nonsense", 412), ("", 412)],
)
def test_if_match_is_read_as_http_says(sqlite_api: httpx.Client, tag: str, status: int) -> None:
    made = given_schedule(sqlite_api)

    answer = sqlite_api.patch(f"/schedules/{made['id']}", json={"description": "x"}, headers={"If-Match": tag})

    assert answer.status_code == status


def test_pausing_keeps_the_reason_the_counts_and_nothing_to_come(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api)
    with held_database.transaction() as session:
        row = session.merge(planned(held_database, made["id"]))
        row.last_run_at, row.total_run_count = held_database.clock.now(), 7

    paused = api.post(f"/schedules/{made['id']}/pause", json={"reason": "the shop moves"}).json()

    assert (paused["state"], paused["enabled"], paused["paused_reason"]) == ("paused", False, "the shop moves")
    assert (paused["next_run_at"], paused["total_run_count"]) == (None, 7)
    assert paused["last_run_at"] == "2026-03-02T12:00:00Z"
    assert paused["revision"] == made["revision"] + 1


def test_pausing_and_resuming_twice_is_doing_it_once(api: httpx.Client) -> None:
    path = f"/schedules/{given_schedule(api)['id']}"

    paused = [api.post(f"{path}/pause", json={"reason": "x"}), api.post(f"{path}/pause")]
    resumed = [api.post(f"{path}/resume"), api.post(f"{path}/resume")]

    assert [answer.json()["revision"] for answer in paused + resumed] == [2, 2, 3, 3]
    assert [answer.json()["paused_reason"] for answer in paused + resumed] == ["x", "x", None, None]
    assert resumed[1].json()["state"] == "active"


def test_enabling_by_an_edit_forgets_why_it_was_paused(api: httpx.Client) -> None:
    made = given_schedule(api, enabled=False, paused_reason="holidays")

    patched = api.patch(f"/schedules/{made['id']}", json={"enabled": True}).json()

    assert (patched["state"], patched["paused_reason"]) == ("active", None)


def test_a_deleted_schedule_is_gone_and_its_waiting_runs_are_cancelled(api: httpx.Client) -> None:
    made = given_schedule(api)
    run = api.post(f"/schedules/{made['id']}/trigger").json()

    deleted = api.delete(f"/schedules/{made['id']}")

    gone = api.get(f"/schedules/{made['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (gone.status_code, gone.json()["code"]) == (404, "schedule_not_found")
    assert api.get(f"/runs/{run['id']}").json()["state"] == "cancelled"


def test_a_schedule_that_is_not_there_is_not_found(api: httpx.Client) -> None:
    path = "/schedules/4711"

    answers = [
        api.get(path),
        api.put(path, json=schedule_body()),
        api.patch(path, json={"description": "x"}),
        api.delete(path),
        *(api.post(f"{path}/{action}") for action in ("pause", "resume", "trigger")),
        *(api.get(f"{path}/{view}") for view in ("next", "runs")),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "schedule_not_found")}


def test_a_name_is_given_once(api: httpx.Client) -> None:
    given_schedule(api, "orders")
    other = given_schedule(api, "invoices")

    again = api.post("/schedules", json=schedule_body("orders"))
    renamed = api.patch(f"/schedules/{other['id']}", json={"name": "orders"})

    assert [(answer.status_code, answer.json()["code"]) for answer in (again, renamed)] == [(409, "name_taken")] * 2
    assert again.json()["detail"] == "A schedule named 'orders' exists already."


def test_of_many_who_take_one_name_at_once_one_gets_it(served: Server) -> None:
    together = Barrier(8)

    def post(number: int) -> int:
        with served.client() as client:
            together.wait()
            return client.post("/schedules", json=schedule_body("orders", description=str(number))).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(post, range(8)))

    assert statuses == [201] + [409] * 7


def test_of_many_who_edit_one_revision_at_once_one_wins(served: Server, api: httpx.Client) -> None:
    path, together = f"/schedules/{given_schedule(api)['id']}", Barrier(8)

    def patch(number: int) -> int:
        with served.client() as client:
            together.wait()
            body = {"timing": INTERVAL | {"every": number + 1}}
            return client.patch(path, json=body, headers={"If-Match": '"1"'}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(patch, range(8)))

    assert statuses == [200] + [412] * 7
    assert api.get(path).json()["revision"] == 2
