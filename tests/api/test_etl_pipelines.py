"""Pipelines over HTTP, by the same rules as collect tasks; and what is said of one before it runs."""

from typing import Any

import httpx
import pytest

from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import fields_of, given_schedule
from tests.api.test_collect_tasks import given_task

BY_DAY = {"name": "by_day", "sql": "SELECT day, sum(amount) AS amount FROM orders GROUP BY day"}
BEST = {"name": "best", "sql": "SELECT * FROM by_day ORDER BY amount DESC LIMIT 1"}


@pytest.fixture(autouse=True)
def orders(warehouse: Warehouse) -> None:
    """A dataset that nobody knows the maker of."""
    with warehouse.transaction() as connection:
        connection.execute("CREATE TABLE orders (id BIGINT, day DATE, amount DOUBLE)")


def body(*steps: dict[str, Any], name: str = "daily", **definition: Any) -> dict[str, Any]:
    return {"name": name, "definition": {"steps": [*steps], **definition}}


def given_pipeline(api: httpx.Client, *steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = api.post("/etl-pipelines", json=body(*(steps or (BY_DAY,)), **fields))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_pipeline_is_kept_as_it_was_written(api: httpx.Client) -> None:
    made = given_pipeline(api)

    read = api.get(f"/etl-pipelines/{made['id']}")
    assert read.json() == made
    assert (made["definition"], made["revision"], read.headers["etag"]) == ({"steps": [BY_DAY]}, 1, '"1"')
    assert [one["name"] for one in api.get("/etl-pipelines", params={"q": "dai"}).json()["items"]] == ["daily"]


def test_edits_are_checked_and_counted(api: httpx.Client) -> None:
    path = f"/etl-pipelines/{given_pipeline(api)['id']}"

    changed = api.patch(path, json={"definition": {"steps": [BY_DAY, BEST]}}, headers={"If-Match": '"1"'})
    stale = api.put(path, json=body(BY_DAY), headers={"If-Match": '"1"'})
    wrong = api.patch(path, json={"definition": {"steps": [BY_DAY | {"sql": "DROP TABLE orders"}]}})

    assert changed.json()["revision"] == 2
    assert stale.status_code == 412
    assert fields_of(wrong) == {"definition.steps.0.sql": "must be one SELECT"}
    assert api.get(path).json()["revision"] == 2


@pytest.mark.parametrize(
    ("steps", "field", "reason"),
    [
        pytest.param([BEST], "steps.0.sql", "reads 'by_day', which is neither", id="unknown table"),
        pytest.param(
            [{"name": "a", "sql": "SELECT * FROM b"}, {"name": "b", "sql": "SELECT * FROM a"}],
            "steps.0",
            "reads what is made of it: a → b → a",
            id="cycle",
        ),
        pytest.param([{"name": "a", "sql": "SELECT * FROM a"}], "steps.0", "reads itself", id="itself"),
        pytest.param([BY_DAY, BY_DAY], None, "two steps are named by_day", id="twice"),
        pytest.param([BY_DAY | {"kind": "view"} | {"sql": "SELECT {{ window_start }}"}], "steps.0.sql",
                     "a view has no parameters", id="view with parameters"),
        pytest.param([BY_DAY | {"kind": "incremental"}], "steps.0", "needs either a key or", id="no key"),
        pytest.param([BY_DAY | {"name": "_own"}], "steps.0.name", "must be a lower-case letter", id="name"),
        pytest.param([BY_DAY | {"checks": [{"type": "query", "name": "x", "sql": "SELECT 1; SELECT 2"}]}],
                     "steps.0.checks.0.sql", "must be one SELECT", id="check"),
        pytest.param([BY_DAY | {"checks": [{"type": "no"}]}], "steps.0.checks.0.type", "is not one of",
                     id="kind of check"),
        pytest.param([], "steps", "at least 1", id="empty"),
    ],
)  # fmt: skip
def test_what_cannot_run_is_refused_at_its_step(
    api: httpx.Client, steps: list[dict[str, Any]], field: str | None, reason: str
) -> None:
    refused = api.post("/etl-pipelines", json=body(*steps))

    assert refused.status_code == 422
    named = fields_of(refused)
    where = f"definition.{field}" if field else "definition"
    assert reason in named[where], named


def test_a_dataset_has_one_maker(api: httpx.Client) -> None:
    given_task(api, name="shop orders", dataset="orders_of_shop")
    given_pipeline(api, name="first")

    refused = api.post("/etl-pipelines", json=body(BY_DAY, BY_DAY | {"name": "orders_of_shop"}, name="second"))

    assert fields_of(refused) == {
        "definition.steps.0.name": "'by_day' is what the pipeline 'first' makes",
        "definition.steps.1.name": "'orders_of_shop' is what the collect task 'shop orders' makes",
    }


def test_what_others_will_make_may_be_read(api: httpx.Client) -> None:
    given_task(api, dataset="still_to_come")
    given_pipeline(api, name="first")

    given_pipeline(api, {"name": "a", "sql": "SELECT * FROM still_to_come, by_day"}, name="second")


def test_an_unsaved_pipeline_is_checked(api: httpx.Client) -> None:
    steps = [BEST, BY_DAY, {"name": "x", "sql": "SELECT {{ window_start }}, gone FROM nowhere"}]

    checked = api.post("/etl-pipelines/check", json={"definition": {"steps": steps}}).json()

    assert checked["valid"] is False
    assert [(one["name"], one["reads"], one["parameters"]) for one in checked["steps"]] == [
        ("by_day", ["orders"], []),
        ("best", ["by_day"], []),
        ("x", ["nowhere"], ["window_start"]),
    ]
    assert [(one["field"], one["reason"]) for one in checked["errors"]] == [
        ("steps.2.sql", "reads 'nowhere', which is neither a dataset nor a step")
    ]


def test_a_saved_pipeline_may_be_checked_under_its_own_names(api: httpx.Client) -> None:
    made = given_pipeline(api)

    asked = {"definition": {"steps": [BY_DAY, BEST]}}

    assert api.post("/etl-pipelines/check", json=asked).json()["valid"] is False
    assert api.post("/etl-pipelines/check", json=asked | {"id": made["id"]}).json()["valid"] is True


def test_lineage_tells_what_is_made_of_what(api: httpx.Client) -> None:
    task = given_task(api, name="shop", dataset="shop_orders")
    both = {"name": "all_orders", "sql": "SELECT day FROM orders UNION ALL SELECT day FROM shop_orders"}
    made = given_pipeline(api, both, {"name": "days", "sql": "SELECT DISTINCT day FROM all_orders"})

    found = api.get(f"/etl-pipelines/{made['id']}/lineage").json()

    own = {"kind": "pipeline", "id": made["id"], "name": "daily"}
    assert found["nodes"] == [
        {"dataset": "all_orders", "made_by": own},
        {"dataset": "days", "made_by": own},
        {"dataset": "orders", "made_by": None},
        {"dataset": "shop_orders", "made_by": {"kind": "collect_task", "id": task["id"], "name": "shop"}},
    ]
    assert found["edges"] == [
        {"source": "orders", "target": "all_orders"},
        {"source": "shop_orders", "target": "all_orders"},
        {"source": "all_orders", "target": "days"},
    ]


def test_one_that_a_schedule_runs_is_not_deleted(api: httpx.Client) -> None:
    made = given_pipeline(api)
    given_schedule(api, name="nightly", task="etl.execute_pipeline", args=[made["id"]])

    refused = api.delete(f"/etl-pipelines/{made['id']}")

    assert refused.json()["detail"] == f"Pipeline {made['id']} is used by the schedules 'nightly'."


def test_one_that_is_not_there(api: httpx.Client) -> None:
    answers = [api.get("/etl-pipelines/7"), api.get("/etl-pipelines/7/lineage"), api.delete("/etl-pipelines/7")]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "pipeline_not_found")}
