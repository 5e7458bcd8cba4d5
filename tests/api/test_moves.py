"""The road from other schedulers over the wire: where each job stands, and what its source tells."""

from datetime import timedelta

import httpx

from scheduler_service.storage.models import Move
from scheduler_service.storage.session import Database
from tests.api.given import given_schedule, problem
from tests.support.rows import ended_run

MINUTE = timedelta(minutes=1)


def given_move(database: Database, schedule_id: int, source_id: str, **fields: object) -> None:
    with database.transaction() as session:
        place = {"source": "there", "source_kind": "apscheduler3", "source_id": source_id, "name": source_id}
        session.add(Move(periodic_task_id=schedule_id, **(place | fields)))


def test_a_move_says_how_its_shadow_compares(api: httpx.Client, held_database: Database) -> None:
    start = held_database.clock.now() - 10 * MINUTE
    made = given_schedule(api, name="a", shadow=True)
    given_move(held_database, made["id"], "a", state="shadow", shadow_since=start)
    with held_database.transaction() as session:
        for minute in (1, 2, 4):
            at = start + minute * MINUTE
            session.add(ended_run(at, periodic_task_id=made["id"], state="shadowed", origin="shadow"))
    told = [
        {"source_id": "a", "scheduled_at": (start + minute * MINUTE).isoformat(), "outcome": "executed"}
        for minute in (1, 2, 3, 4)
    ]

    stored = [api.post("/observed-runs", json={"source": "there", "runs": told}).json() for _ in range(2)]

    assert stored == [{"stored": 4}, {"stored": 0}]
    (item,) = api.get("/moves").json()["items"]
    assert (item["schedule_id"], item["state"], item["name"]) == (made["id"], "shadow", "a")
    compared = {kind: item["compared"][kind] for kind in ("matched", "early", "late", "missing", "extra")}
    assert compared == {"matched": 3, "early": 0, "late": 0, "missing": 1, "extra": 0}


def test_the_summary_counts_by_state(api: httpx.Client, held_database: Database) -> None:
    for number, state in enumerate(("shadow", "live", "live", "planned")):
        made = given_schedule(api, name=str(number))
        given_move(held_database, made["id"], str(number), state=state)

    summary = api.get("/moves/summary").json()

    assert summary["total"] == 4
    assert summary["states"] == {"planned": 1, "shadow": 1, "live": 2, "rolled_back": 0, "doubtful": 0}
    assert summary["percent"]["live"] == 50.0


def test_moves_are_read_in_pages(api: httpx.Client, held_database: Database) -> None:
    for number in range(3):
        given_move(held_database, given_schedule(api, name=str(number))["id"], str(number))

    first = api.get("/moves", params={"limit": 2}).json()
    second = api.get("/moves", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [item["name"] for item in first["items"] + second["items"]] == ["0", "1", "2"]
    assert second["next_cursor"] is None


def test_a_shadow_is_made_live_over_the_wire_and_not_triggered_before(api: httpx.Client) -> None:
    made = given_schedule(api, name="a", shadow=True)

    refused = api.post(f"/schedules/{made['id']}/trigger", json={})
    live = api.patch(f"/schedules/{made['id']}", json={"shadow": False}).json()

    assert (refused.status_code, problem(refused)["code"]) == (409, "schedule_is_shadow")
    assert (made["shadow"], made["state"], live["shadow"]) == (True, "active", False)
    assert api.post(f"/schedules/{made['id']}/trigger", json={}).is_success


def test_what_is_no_observation_is_refused(api: httpx.Client) -> None:
    wrong = {"source_id": "a", "scheduled_at": "noon", "outcome": "sung"}

    answer = api.post("/observed-runs", json={"source": "there", "runs": [wrong]})

    assert answer.status_code == 422
    assert {error["field"] for error in problem(answer)["errors"]} == {"runs.0.scheduled_at", "runs.0.outcome"}
