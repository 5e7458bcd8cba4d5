"""Reports, their artifacts and deliveries over HTTP."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from scheduler_service.storage.session import Database
from tests.api.given import fields_of, given_key, given_schedule
from tests.api.serving import Server
from tests.api.test_lists import pages
from tests.services.reporting import TABLE, TO_SHARE, Office

TEXT = {"type": "text", "markdown": "<script>alert(1)</script>"}


def body(name: str = "orders", **definition: Any) -> dict[str, Any]:
    return {"name": name, "definition": {"title": "Orders", "sections": [TABLE]} | definition}


def given_report(api: httpx.Client, name: str = "orders", **definition: Any) -> dict[str, Any]:
    answer = api.post("/reports", json=body(name, **definition))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.fixture
def office(held_database: Database, tmp_path: Path) -> Office:
    """In the API's own data directory."""
    return Office(held_database, tmp_path)


def test_a_report_is_kept_as_it_was_written_and_edited_by_revision(api: httpx.Client) -> None:
    answer = api.post("/reports", json=body())
    made = answer.json()
    path = f"/reports/{made['id']}"

    assert (answer.status_code, answer.headers["etag"], answer.headers["location"]) == (201, '"1"', f"/api/v1{path}")
    assert made["definition"] == body()["definition"]
    assert api.patch(path, json={"definition": {"outputs": ["xlsx"]}}).json()["revision"] == 2
    assert api.put(path, json=body(), headers={"If-Match": '"1"'}).status_code == 412
    assert api.put(path, json=body(), headers={"If-Match": '"2"'}).json()["definition"] == made["definition"]
    assert [item["name"] for item in api.get("/reports?q=ORD").json()["items"]] == ["orders"]
    assert api.delete(path).status_code == 204
    assert api.get(path).json()["code"] == "report_not_found"


def test_one_that_a_schedule_makes_is_not_deleted(api: httpx.Client) -> None:
    made = given_report(api)
    given_schedule(api, "daily", task="report.generate_scheduled", args=[made["id"]])

    refused = api.delete(f"/reports/{made['id']}")

    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")


@pytest.mark.parametrize(
    ("definition", "fields"),
    [
        ({"sections": [TABLE | {"sql": "DROP TABLE x"}]}, ["definition.sections.0.sql"]),
        ({"sections": [TABLE, TABLE | {"sql": "SELECT * FROM read_csv('x')"}, TABLE | {"sql": "SELECT {{ x }}"}]},
         ["definition.sections.1.sql", "definition.sections.2.sql"]),
        ({"sections": [{"type": "chart", "sql": "SELECT 1", "kind": "pie", "x": "a", "y": ["b"]}]},
         ["definition.sections.0.kind"]),
        ({"sections": []}, ["definition.sections"]),
        ({"timezone": "Europe/Berlim"}, ["definition.timezone"]),
        ({"deliver": [{"type": "email", "connection": "m", "to": ["a@b.example, c@d.example"]}]},
         ["definition.deliver.0.to.0"]),
        ({"deliver": [{"type": "webhook", "connection": "m", "url": "https://a.example"}]},
         ["definition.deliver.0.url"]),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_by_its_fields(
    sqlite_api: httpx.Client, definition: dict[str, Any], fields: list[str]
) -> None:
    refused = sqlite_api.post("/reports", json=body(**definition))

    assert refused.status_code == 422
    assert sorted(fields_of(refused)) == fields


def test_a_preview_is_a_page_that_can_do_nothing(api: httpx.Client) -> None:
    made = given_report(api, sections=[TEXT, TABLE | {"sql": "SELECT i FROM range(100000) AS n(i)"}])

    shown = api.post(f"/reports/{made['id']}/preview", json={"at": "2026-03-01T00:00:00Z"})

    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert shown.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "2026-02-28 00:00 to 2026-03-01 00:00 (UTC)" in shown.text
    assert "<script>" not in shown.text
    assert "The first 100 rows of more than 200." in shown.text
    assert api.get("/artifacts").json()["items"] == []


def test_a_preview_says_what_is_wrong_with_a_query(api: httpx.Client) -> None:
    made = given_report(api, sections=[TABLE | {"sql": "SELECT * FROM nowhere"}])

    refused = api.post(f"/reports/{made['id']}/preview", json={})

    assert (refused.status_code, refused.json()["code"]) == (422, "query_failed")
    assert refused.json()["detail"].startswith("Numbers: ")
    assert "nowhere" in refused.json()["detail"]


def test_artifacts_are_found_and_taken_away(api: httpx.Client, office: Office) -> None:
    report = office.report(outputs=["csv", "xlsx"])
    office.run(report)
    office.run(office.report("others"))

    found = api.get(f"/artifacts?report_id={report}&output=csv").json()["items"]
    of_one_a_page = pages(api, "/artifacts", limit=1)
    content = api.get(f"/artifacts/{found[0]['id']}/content")

    assert [(one["report_name"], one["output"]) for one in found] == [("orders", "csv")]
    assert api.get(f"/artifacts?run_id={found[0]['run_id']}").json()["items"][1] == found[0]
    assert api.get(f"/artifacts/{found[0]['id']}").json() == found[0]
    assert [len(page) for page in of_one_a_page] == [1, 1, 1]
    assert content.content == b"\xef\xbb\xbfi\r\n0\r\n1\r\n2\r\n"
    assert content.headers["content-type"] == "text/csv; charset=utf-8"
    assert content.headers["content-disposition"].startswith("attachment; filename")
    assert content.headers["etag"] == f'"{found[0]["sha256"]}"'
    assert content.headers["content-security-policy"].startswith("sandbox;")


def test_only_html_is_shown_and_only_when_asked(api: httpx.Client, office: Office) -> None:
    office.run(office.report(outputs=["html", "csv"], sections=[TEXT, TABLE]))
    kinds = {one["output"]: one["id"] for one in api.get("/artifacts").json()["items"]}

    def shown(output: str, query: str = "") -> str:
        return api.get(f"/artifacts/{kinds[output]}/content{query}").headers["content-disposition"].partition(";")[0]

    assert shown("html") == "attachment"
    assert shown("html", "?inline=true") == "inline"
    assert shown("csv", "?inline=true") == "attachment"


def test_an_artifact_that_is_not_there_is_said(api: httpx.Client, office: Office) -> None:
    office.run(office.report())
    (artifact,) = office.artifacts()
    office.site.places.files.remove([artifact.id])

    assert api.get(f"/artifacts/{uuid4()}/content").json()["code"] == "artifact_not_found"
    assert api.get(f"/artifacts/{artifact.id}/content").json()["code"] == "artifact_file_missing"


def test_an_artifact_is_delivered_and_a_failed_delivery_tried_again(api: httpx.Client, office: Office) -> None:
    given_schedule(api, "deliver reports", task="report.deliver_pending")
    office.run(office.report(deliver=[TO_SHARE | {"connection": "nowhere"}]))
    (failed,) = api.get("/deliveries?state=failed").json()["items"]
    (artifact,) = api.get("/artifacts").json()["items"]

    retried = api.post(f"/deliveries/{failed['id']}/retry").json()
    target = {"type": "email", "connection": "mail", "to": ["a@example.com", "b@example.com"]}
    asked = api.post(f"/artifacts/{artifact['id']}/deliver", json={"target": target})

    assert failed["error"].startswith("nowhere: No connection is named 'nowhere'")
    assert (retried["state"], retried["attempts"], retried["error"]) == ("pending", 1, None)
    assert asked.status_code == 202
    assert [(one["recipient"], one["artifact_ids"]) for one in asked.json()] == [
        ("a@example.com", [artifact["id"]]),
        ("b@example.com", [artifact["id"]]),
    ]
    assert [one["state"] for one in api.get("/deliveries").json()["items"]] == ["pending"] * 3
    runs = api.get("/runs?task=report.deliver_pending").json()["items"]
    assert [run["state"] for run in runs] == ["pending"] * 2


def test_a_delivery_names_no_outputs(api: httpx.Client, office: Office) -> None:
    office.run(office.report())
    (artifact,) = api.get("/artifacts").json()["items"]

    refused = api.post(f"/artifacts/{artifact['id']}/deliver", json={"target": TO_SHARE | {"outputs": ["csv"]}})

    assert sorted(fields_of(refused)) == ["target.outputs"]


def test_who_only_looks_may_take_artifacts_away_and_no_more(served: Server, api: httpx.Client, office: Office) -> None:
    office.run(office.report(deliver=[TO_SHARE]))
    (artifact,) = api.get("/artifacts").json()["items"]

    with served.client(key=given_key(api, role="viewer")["key"]) as viewer:
        assert viewer.get(f"/artifacts/{artifact['id']}/content").status_code == 200
        assert viewer.post("/reports/1/preview", json={}).status_code == 403
        assert viewer.post("/deliveries/1/retry").status_code == 403
        assert viewer.post(f"/artifacts/{artifact['id']}/deliver", json={"target": TO_SHARE}).status_code == 403
