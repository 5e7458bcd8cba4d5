"""Collect tasks over HTTP, by the same rules as schedules."""

from typing import Any

import httpx
import pytest

from tests.api.given import fields_of, given_schedule
from tests.api.test_lists import pages

HTTP = {"type": "http", "url": "https://shop.example/orders", "records": "$.items"}
FILE = {"type": "file", "path": "orders/*.csv"}


def body(name: str = "orders", **definition: Any) -> dict[str, Any]:
    return {"name": name, "definition": {"dataset": "orders", "source": HTTP} | definition}


def given_task(api: httpx.Client, name: str = "orders", **definition: Any) -> dict[str, Any]:
    answer = api.post("/collect-tasks", json=body(name, **definition))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_collect_task_is_kept_as_it_was_written(api: httpx.Client) -> None:
    answer = api.post("/collect-tasks", json=body() | {"description": "from the shop"})

    made = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert answer.headers["location"] == f"/api/v1/collect-tasks/{made['id']}"
    assert made["definition"] == {"dataset": "orders", "source": HTTP}
    assert api.get(f"/collect-tasks/{made['id']}").json() == made


def test_only_a_real_change_is_a_revision(api: httpx.Client) -> None:
    made = given_task(api)
    path = f"/collect-tasks/{made['id']}"

    same = api.put(path, json=body())
    changed = api.patch(path, json={"definition": {"mode": "merge", "key": ["id"]}})

    assert (same.json(), same.headers["etag"]) == (made, '"1"')
    assert (changed.json()["revision"], changed.headers["etag"]) == (2, '"2"')
    assert changed.json()["definition"] == made["definition"] | {"mode": "merge", "key": ["id"]}
    assert changed.json()["date_changed"] > made["date_changed"]
    assert changed.json()["created_at"] == made["created_at"]


def test_a_source_of_another_type_replaces_the_present_one(api: httpx.Client) -> None:
    made = given_task(api)

    patched = api.patch(f"/collect-tasks/{made['id']}", json={"definition": {"source": FILE}}).json()

    assert patched["definition"] == {"dataset": "orders", "source": FILE}


def test_an_edit_of_what_somebody_else_has_changed_is_refused(api: httpx.Client) -> None:
    path, stale = f"/collect-tasks/{given_task(api)['id']}", {"If-Match": '"1"'}
    api.patch(path, json={"description": "somebody else was here"})

    answers = [
        api.put(path, json=body(), headers=stale),
        api.patch(path, json={"name": "x"}, headers=stale),
        api.delete(path, headers=stale),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(412, "revision_mismatch")}


def test_names_are_given_once(api: httpx.Client) -> None:
    given_task(api, "orders")
    other = given_task(api, "invoices")

    answers = [api.post("/collect-tasks", json=body()), api.patch(f"/collect-tasks/{other['id']}", json=body())]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "name_taken")] * 2


def test_one_that_a_schedule_runs_is_not_deleted(api: httpx.Client) -> None:
    path = f"/collect-tasks/{given_task(api)['id']}"
    given_schedule(api, "by place", task="collect.execute_task", args=[1])
    by_name = given_schedule(api, "by name", task="collect.execute_task", kwargs={"task_id": 1})
    given_schedule(api, "another's", task="collect.execute_task", args=[11])
    given_schedule(api, "another task", task="other.task", args=[1])

    refused = api.delete(path)
    api.delete("/schedules/1")
    api.patch(f"/schedules/{by_name['id']}", json={"kwargs": {"task_id": 2}})
    deleted = api.delete(path)

    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert refused.json()["detail"] == "Collect task 1 is used by the schedules 'by name', 'by place'."
    assert deleted.status_code == 204
    assert api.get(path).json()["code"] == "collect_task_not_found"


def test_they_are_listed_by_name_page_by_page(api: httpx.Client) -> None:
    for name in ("c", "a", "b"):
        given_task(api, name)

    read = [[item["name"] for item in page] for page in pages(api, "/collect-tasks", limit=2)]

    assert read == [["a", "b"], ["c"]]
    assert [item["name"] for item in api.get("/collect-tasks?q=B").json()["items"]] == ["b"]


@pytest.mark.parametrize(
    ("definition", "fields"),
    [
        ({"dataset": "Orders"}, ["definition.dataset"]),
        ({"dataset": None, "mode": "upsert"}, ["definition.dataset", "definition.mode"]),
        ({"source": {}}, ["definition.source.type"]),
        ({"source": {"type": "ftp"}}, ["definition.source.type"]),
        ({"source": {"type": "http"}}, ["definition.source"]),
        ({"source": HTTP | {"url": "file:///etc/passwd"}}, ["definition.source.url"]),
        ({"source": HTTP | {"url": "https://u:p@shop.example"}}, ["definition.source.url"]),
        ({"source": HTTP | {"headers": {"Authorization": "x"}}}, ["definition.source.headers"]),
        ({"source": HTTP | {"records": "$["}}, ["definition.source.records"]),
        ({"source": HTTP | {"params": {"a": []}}}, ["definition.source.params.a"]),
        ({"source": HTTP | {"paging": {"type": "cursor"}}}, ["definition.source.paging.next"]),
        ({"source": HTTP | {"paging": {"type": "page", "size": 0, "x": 1}}},
         ["definition.source.paging.size", "definition.source.paging.x"]),
        ({"source": FILE | {"path": "../secret"}}, ["definition.source.path"]),
        ({"source": FILE | {"path": "a\0b"}}, ["definition.source.path"]),
        ({"mode": "merge"}, ["definition"]),
        ({"extra": 1}, ["definition.extra"]),
    ],
)  # fmt: skip
def test_a_definition_that_is_not_understood_is_refused_by_its_fields(
    sqlite_api: httpx.Client, definition: Any, fields: list[str]
) -> None:
    refused = sqlite_api.post("/collect-tasks", json=body(**definition))

    assert refused.status_code == 422
    assert sorted(fields_of(refused)) == fields
