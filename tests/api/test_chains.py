"""Schedules that run after others, made and edited over HTTP."""

from typing import Any

import httpx
import pytest

from scheduler_service.beat.chains import follow
from scheduler_service.storage.session import Database
from tests.api.given import CRONTAB, INTERVAL, fields_of, given_schedule, problem, schedule_body
from tests.support.rows import sql


class Beat:
    name = "test beat"
    number = 1


def given_follower(api: httpx.Client, name: str, *after: str, **fields: Any) -> dict[str, Any]:
    return given_schedule(api, name, timing=None, after=list(after), **fields)


@pytest.fixture
def chain(api: httpx.Client) -> httpx.Client:
    """collect → etl → report."""
    given_schedule(api, "collect")
    given_follower(api, "etl", "collect")
    given_follower(api, "report", "etl")
    return api


def read(api: httpx.Client, name: str) -> dict[str, Any]:
    (found,) = api.get("/schedules", params={"name": name}).json()["items"]
    body: dict[str, Any] = found
    return body


def test_a_follower_has_no_timing_and_lets_passes_wait(chain: httpx.Client) -> None:
    etl = read(chain, "etl")

    assert (etl["timing"], etl["after"], etl["next_run_at"], etl["state"]) == (None, ["collect"], None, "active")
    assert (etl["overlap_policy"], etl["timing_text"]) == ("buffer_all", 'after "collect" succeeds')
    assert chain.get(f"/schedules/{etl['id']}/next").json() == {"items": [], "timing_text": 'after "collect" succeeds'}
    in_chinese = chain.get(f"/schedules/{etl['id']}", headers={"Accept-Language": "zh"}).json()
    assert in_chinese["timing_text"] == "在“collect”成功之后"


def test_what_was_read_may_be_sent_back(chain: httpx.Client) -> None:
    etl = read(chain, "etl")

    assert chain.put(f"/schedules/{etl['id']}", json=etl).json() == etl


def test_a_timing_takes_the_place_of_the_others_and_back(chain: httpx.Client) -> None:
    given_schedule(chain, "other")
    etl = read(chain, "etl")

    timed = chain.patch(f"/schedules/{etl['id']}", json={"timing": CRONTAB}).json()
    assert (timed["timing"]["minute"], timed["after"], timed["revision"]) == ("*/5", [], etl["revision"] + 1)
    follows = chain.patch(f"/schedules/{etl['id']}", json={"after": ["other"]}).json()

    assert (follows["timing"], follows["after"], follows["revision"]) == (None, ["other"], etl["revision"] + 2)


def test_an_edit_of_whom_it_follows_is_a_revision_and_is_audited(chain: httpx.Client) -> None:
    given_schedule(chain, "other")
    etl = read(chain, "etl")

    edited = chain.patch(f"/schedules/{etl['id']}", json={"after": ["other"], "description": "x"})

    assert edited.json()["revision"] == etl["revision"] + 1
    event = chain.get("/audit", params={"subject_type": "schedule", "subject_id": etl["id"]}).json()["items"][0]
    assert event["changes"]["after"] == [["collect"], ["other"]]


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        pytest.param({"timing": INTERVAL, "after": ["collect"]}, "after", "in place of timing", id="both"),
        pytest.param({"timing": None}, "timing", "is required, or after", id="neither"),
        pytest.param({"after": ["nobody"]}, "after.0", "no schedule is named 'nobody'", id="nobody"),
        pytest.param({"after": ["collect"], "jitter_seconds": 5}, "jitter_seconds", "means nothing", id="jitter"),
        pytest.param(
            {"after": ["collect"], "expires": "2099-01-01T00:00:00Z"}, "expires", "means nothing", id="expires"
        ),
    ],
)
def test_what_makes_no_sense_is_refused(chain: httpx.Client, fields: dict[str, Any], field: str, reason: str) -> None:
    refused = chain.post("/schedules", json=schedule_body("new") | {"timing": None} | fields)

    assert refused.status_code == 422
    assert reason in fields_of(refused)[field]


def test_a_circle_is_refused_and_the_way_told(chain: httpx.Client) -> None:
    refused = chain.patch(f"/schedules/{read(chain, 'collect')['id']}", json={"after": ["report"]})

    assert refused.status_code == 422
    assert fields_of(refused)["after"].startswith("would go in a circle: ")
    assert all(name in fields_of(refused)["after"] for name in ("collect", "etl", "report"))


def test_those_that_never_meet_are_refused(chain: httpx.Client) -> None:
    given_schedule(chain, "hourly", timing={"type": "crontab", "expression": "@hourly"})

    refused = chain.post("/schedules", json=schedule_body("join", timing=None, after=["etl", "hourly"]))

    assert "never meet: collect, hourly" in fields_of(refused)["after"]


def test_one_that_others_follow_is_not_deleted(chain: httpx.Client) -> None:
    collect, etl, report = (read(chain, name)["id"] for name in ("collect", "etl", "report"))

    refused = chain.delete(f"/schedules/{collect}")
    assert (refused.status_code, problem(refused)["code"]) == (409, "in_use")
    assert "etl" in problem(refused)["detail"]

    bulk = chain.post("/schedules/bulk", json={"action": "delete", "ids": [collect, etl]}).json()
    assert [(item["outcome"], item["code"]) for item in bulk["items"]] == [("failed", "in_use")] * 2
    assert chain.delete(f"/schedules/{report}").status_code == 204
    assert chain.delete(f"/schedules/{etl}").status_code == 204


def test_a_whole_chain_is_deleted_at_once(chain: httpx.Client) -> None:
    bulk = chain.post("/schedules/bulk", json={"action": "delete", "filter": {}}).json()

    assert (bulk["succeeded"], bulk["failed"]) == (3, 0)


def test_a_chain_is_exported_and_imported_whatever_the_order(chain: httpx.Client) -> None:
    file = chain.get("/schedules/export", params={"format": "json"}).json()
    assert [(one["name"], one.get("after")) for one in file["schedules"]] == [
        ("collect", None), ("etl", ["collect"]), ("report", ["etl"])
    ]  # fmt: skip
    assert "overlap_policy" not in file["schedules"][1]
    chain.post("/schedules/bulk", json={"action": "delete", "filter": {}})

    imported = chain.post("/schedules/import", json=file | {"schedules": file["schedules"][::-1]})
    assert sorted(imported.json()["created"]) == ["collect", "etl", "report"]
    assert chain.post("/schedules/import", json=file).json()["unchanged"] == ["collect", "etl", "report"]
    assert read(chain, "report")["after"] == ["etl"]


def test_an_import_that_closes_a_circle_or_follows_nobody_is_refused(chain: httpx.Client) -> None:
    file = chain.get("/schedules/export", params={"format": "json"}).json()
    circle = [{"name": "collect", "task": "shop.collect_orders", "after": ["report"]}]
    nobody = [{"name": "new", "task": "shop.collect_orders", "after": ["nobody"]}]

    for dry_run in (True, False):
        refused = chain.post("/schedules/import", json=file | {"schedules": circle}, params={"dry_run": dry_run})
        assert fields_of(refused)["after"].startswith("would go in a circle: ")
    refused = chain.post("/schedules/import", json=file | {"schedules": nobody})
    assert fields_of(refused) == {"schedules.0.after.0": "no schedule is named 'nobody'"}
    pruned = chain.post("/schedules/import", json=file | {"schedules": file["schedules"][1:]}, params={"prune": True})
    assert "schedules.0.after.0" in fields_of(pruned)


def test_a_pass_is_read_as_one(chain: httpx.Client, database: Database) -> None:
    run = chain.post(f"/schedules/{read(chain, 'collect')['id']}/trigger").json()

    going_on = chain.get(f"/runs/{run['id']}/chain").json()
    assert (going_on["state"], [one["id"] for one in going_on["items"]]) == ("going_on", [run["id"]])
    assert going_on["to_come"] == ["etl", "report"]

    sql(database, "UPDATE task_run SET state = 'failed', finished_at = published_at")
    while follow(database, Beat(), limit=10)[0]:
        pass
    failed = chain.get(f"/runs/{run['id']}/chain").json()
    assert failed["state"] == "failed"
    assert [(one["schedule_name"], one["state"]) for one in failed["items"]] == [
        ("collect", "failed"), ("etl", "skipped"), ("report", "skipped")
    ]  # fmt: skip


def test_the_chain_of_a_run_that_is_not_there(api: httpx.Client) -> None:
    assert problem(api.get("/runs/0193a4a4-0000-7000-8000-000000000000/chain"))["code"] == "run_not_found"
