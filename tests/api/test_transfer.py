"""Schedules out to a file that people keep, and in again."""

import json
from typing import Any

import httpx
import pytest
import yaml

from scheduler_service.storage.session import Database
from tests.api.given import CRONTAB, fields_of, given_schedule, problem, schedule_body
from tests.api.serving import Server
from tests.api.test_schedules import EVERYTHING
from tests.support.rows import given_schedules, schedule, sql

YAML = {"Content-Type": "application/yaml"}


def exported(api: httpx.Client, **query: Any) -> str:
    answer = api.get("/schedules/export", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(f"application/{query.get('format', 'yaml')}")
    return answer.text


def brought(api: httpx.Client, file: str, **query: Any) -> dict[str, Any]:
    answer = api.post("/schedules/import", content=file.encode(), headers=YAML, params=query)
    assert answer.status_code == 200, answer.text
    plan: dict[str, Any] = answer.json()
    return plan


def of(*schedules: dict[str, Any]) -> str:
    return json.dumps({"version": 1, "schedules": schedules})


def given_one_of_each_timing(api: httpx.Client) -> None:
    api.post("/calendars", json={"name": "days off", "definition": {"weekly": ["mon", "sun"]}})
    rule = "DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:FREQ=WEEKLY;BYDAY=MO,FR"
    timings: dict[str, dict[str, Any]] = {
        "z last": {"type": "rrule", "rule": rule},
        "Ärger": {"type": "solar", "event": "sunset", "latitude": 52.5, "longitude": 13.4},
        "once": {"type": "clocked", "clocked_time": "2030-01-02T09:00:00Z"},
        "often": {"type": "interval", "every": 30, "period": "seconds"},
    }
    for name, timing in timings.items():
        given_schedule(api, name, timing=timing, calendar="days off")
    given_schedule(api, "a of everything", **EVERYTHING, calendar={"name": "days off", "mode": "only"})


def test_a_file_says_what_a_person_would_write(api: httpx.Client) -> None:
    given_schedule(
        api, "b", timing=CRONTAB | {"timezone": "Europe/Berlin"}, description="one\ntwo", kwargs={"on": "yes"}
    )
    given_schedule(api, "a", task="collect.execute_task", args=[1], enabled=False)

    assert exported(api) == (
        "version: 1\n"
        "schedules:\n"
        "- name: a\n"
        "  task: collect.execute_task\n"
        "  args:\n"
        "  - 1\n"
        "  timing:\n"
        "    type: interval\n"
        "    every: 30\n"
        "    period: seconds\n"
        "  enabled: false\n"
        "- name: b\n"
        "  description: |-\n"
        "    one\n"
        "    two\n"
        "  task: shop.collect_orders\n"
        "  kwargs:\n"
        "    'on': 'yes'\n"
        "  timing:\n"
        "    type: crontab\n"
        "    expression: '*/5 * * * *'\n"
        "    timezone: Europe/Berlin\n"
    )


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_file_makes_the_same_schedules_elsewhere(api: httpx.Client, form: str) -> None:
    given_one_of_each_timing(api)
    file = exported(api, format=form)
    names = ["a of everything", "often", "once", "z last", "Ärger"]
    api.post("/schedules/bulk", json={"action": "delete", "filter": {}})

    media = {"Content-Type": f"application/{form}"}
    plan = api.post("/schedules/import", content=file.encode(), headers=media).json()

    assert (plan["created"], plan["changed"], plan["pruned"]) == (names, [], [])
    assert exported(api, format=form) == file


def test_a_second_import_changes_nothing(api: httpx.Client) -> None:
    given_one_of_each_timing(api)
    file = exported(api)
    before = api.get("/schedules").json()

    plan = brought(api, file, prune=True)

    assert (len(plan["unchanged"]), plan["created"], plan["changed"], plan["pruned"]) == (5, [], [], [])
    assert api.get("/schedules").json() == before


def test_what_differs_is_told_by_field_and_made_so(api: httpx.Client) -> None:
    given_schedule(api, "a", queue="heavy", tags=["x"])
    given_schedule(api, "b")
    api.post("/schedules/2/pause", json={"reason": "x"})
    file = of(schedule_body("a", timing=CRONTAB), schedule_body("b"), schedule_body("new"))

    dry = brought(api, file, dry_run=True)
    after_dry = [api.get(f"/schedules/{key}").json()["revision"] for key in (1, 2)]
    plan = brought(api, file)

    fields = {"minute": "*/5", "hour": "*", "day_of_month": "*", "month_of_year": "*", "day_of_week": "*"}
    crontab = {"type": "crontab", **fields, "timezone": "UTC", "day_match": "and"}
    assert dry == plan | {"dry_run": True}
    assert after_dry == [1, 2]
    assert plan["created"] == ["new"]
    assert plan["changed"] == [
        {
            "name": "a",
            "changes": {
                "timing": [{"type": "interval", "every": 30, "period": "seconds"}, crontab],
                "queue": ["heavy", None],
                "tags": [["x"], []],
            },
        },
        {"name": "b", "changes": {"enabled": [False, True], "paused_reason": ["x", None]}},
    ]
    made = api.get("/schedules/1").json()
    assert (made["queue"], made["timing"], made["revision"]) == (None, crontab, 2)
    assert brought(api, file)["changed"] == []


def test_pruning_stays_within_the_tag(api: httpx.Client) -> None:
    given_schedule(api, "mine", tags=["git"])
    given_schedule(api, "stale", tags=["git", "x"])
    given_schedule(api, "another's")
    file = of(schedule_body("mine", tags=["git"]))

    bounded = brought(api, file, prune=True, tag="git")
    everything = brought(api, file, prune=True)

    assert bounded["pruned"] == ["stale"]
    assert everything["pruned"] == ["another's"]
    assert [item["name"] for item in api.get("/schedules").json()["items"]] == ["mine"]


def test_one_bad_schedule_keeps_all_out(api: httpx.Client) -> None:
    file = of(
        schedule_body("good"),
        schedule_body("bad", timing={"type": "crontab", "minute": "61"}, retry_max=-1),
        schedule_body("good"),
        schedule_body("off", calendar="nowhere"),
    )
    twice = of(schedule_body("good"), schedule_body("off", calendar="nowhere"), schedule_body(" good "))

    refused = api.post("/schedules/import", content=file.encode(), headers=YAML)
    refused_twice = api.post("/schedules/import", content=twice.encode(), headers=YAML)
    lost = api.post("/schedules/import", content=of(schedule_body(calendar="nowhere")).encode(), headers=YAML)

    assert set(fields_of(refused)) == {"schedules.1.timing.minute", "schedules.1.retry_max"}
    assert fields_of(refused_twice) == {"schedules.2.name": "is the name of schedules.0 as well"}
    assert list(fields_of(lost)) == ["schedules.0.calendar.name"]
    assert api.get("/schedules").json()["items"] == []


@pytest.mark.parametrize(
    ("content", "media", "status", "said"),
    [
        pytest.param(b"version: 1\nschedules: [", "application/yaml", 400, "line 3", id="no YAML"),
        pytest.param(b'{"version": 1,', "application/json", 400, "line 1", id="no JSON"),
        pytest.param(b"\xff\xfe\x00", "application/yaml", 400, "UTF-8", id="no text"),
        pytest.param(b"[" * 100_000, "application/yaml", 400, "nested", id="deep YAML"),
        pytest.param(b"[" * 100_000, "application/json", 400, "JSON", id="deep JSON"),
        pytest.param(b"a: &a [x]\nb: *a", "application/yaml", 400, "aliases", id="aliases"),
        pytest.param(b"!!python/object:os.system x", "text/yaml; charset=utf-8", 400, "constructor", id="a tag"),
        pytest.param(b"version: 1\nversion: 1", "application/yaml", 400, "twice", id="a key twice"),
        pytest.param(b"- 1", "application/yaml", 422, "must be a JSON object", id="a list"),
        pytest.param(b"", "application/yaml", 422, "must be a JSON object", id="nothing"),
        pytest.param(b"version: 2\nschedules: []", "application/yaml", 422, "version", id="another version"),
        pytest.param(b"version: 1\nschedules: []", "text/plain", 422, "Content-Type", id="another media type"),
        pytest.param(b"version: 1\nschedules: []", "", 422, "Content-Type", id="no media type"),
        pytest.param(b"version: 1\nschedules: []\nx: \0", "application/yaml", 400, "YAML", id="NUL"),
    ],
)
def test_what_is_no_file_is_refused_in_words(
    sqlite_api: httpx.Client, content: bytes, media: str, status: int, said: str
) -> None:
    refused = sqlite_api.post("/schedules/import", content=content, headers={"Content-Type": media})

    assert refused.status_code == status
    assert said in problem(refused)["detail"]


def test_only_pruning_asks_for_a_tag(sqlite_api: httpx.Client) -> None:
    refused = sqlite_api.post("/schedules/import", content=of().encode(), headers=YAML, params={"tag": "x"})

    assert list(fields_of(refused)) == ["tag"]


def test_people_write_yaml_without_quotes(api: httpx.Client) -> None:
    file = """
version: 1
schedules:
  - name: on
    task: shop.collect
    start_time: 2026-05-01T00:00:00Z
    kwargs: {at: 12:30, zip: 01234, 7: no}
    timing: {type: crontab, expression: 0 9 * * mon-fri}
"""

    brought(api, file)

    made = api.get("/schedules/1").json()
    assert made["name"] == "on"
    assert made["kwargs"] == {"at": "12:30", "zip": "01234", "7": "no"}
    assert made["start_time"] == "2026-05-01T00:00:00Z"


def test_a_schedule_that_is_over_is_kept(api: httpx.Client) -> None:
    past = {"type": "clocked", "clocked_time": "2020-01-01T00:00:00Z"}

    plan = brought(api, of(schedule_body("over", timing=past)))

    assert plan["created"] == ["over"]


def test_a_part_is_exported_by_a_filter(api: httpx.Client) -> None:
    given_schedule(api, "a", tags=["x", "y"])
    given_schedule(api, "b", tags=["x"])

    assert [item["name"] for item in yaml.safe_load(exported(api, tag=["x", "y"]))["schedules"]] == ["a"]
    assert json.loads(exported(api, format="json", q="nothing"))["schedules"] == []


def test_what_was_written_past_us_is_exported_as_it_is(api: httpx.Client, held_database: Database) -> None:
    sql(held_database, "INSERT INTO crontab_schedule (minute, hour) VALUES ('1, 2', '*')")
    sql(held_database, "INSERT INTO periodic_task (name, task, crontab_id) VALUES ('odd', 't', 1)")

    timing = yaml.safe_load(exported(api))["schedules"][0]["timing"]

    assert (timing["type"], timing["minute"]) == ("crontab", "1, 2")


def test_an_import_is_in_the_audit_trail(api: httpx.Client) -> None:
    given_schedule(api, "a", queue="heavy")
    given_schedule(api, "b")

    brought(api, of(schedule_body("a"), schedule_body("c")), prune=True)

    items = api.get("/audit", params={"source": "import"}).json()["items"]
    assert {(item["action"], item["subject_name"]) for item in items} == {
        ("create", "c"), ("replace", "a"), ("delete", "b"),
    }  # fmt: skip
    assert [item["changes"] for item in items if item["action"] == "replace"] == [{"queue": ["heavy", None]}]
    assert len(api.get("/audit").json()["items"]) == 5


def test_a_file_of_thousands_is_read_in_one_transaction(served: Server, held_database: Database) -> None:
    given_schedules(held_database, 10)
    timings = [{"type": "interval", "every": number % 50 + 1, "period": "minutes"} for number in range(5000)]
    file = of(*(schedule_body(f"many {number}", timing=timing) for number, timing in enumerate(timings)))

    with served.client() as api:
        plan = brought(api, file)

        assert (len(plan["created"]), len(plan["changed"])) == (4990, 10)
        assert brought(api, exported(api))["changed"] == []
    assert schedule(held_database, 5000).name == "many 4999"
