"""The OpenAPI document, as a generator of clients reads it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.serving import Server

#: Of what is answered with more than JSON, or with something else.
MEDIA = {
    "/api/v1/schedules/export": {"application/json", "application/yaml"},
    "/api/v1/events": {"text/event-stream"},
    "/api/v1/reports/{report_id}/preview": {"text/html"},
    "/api/v1/artifacts/{artifact_id}/content": {"application/octet-stream"},
    "/metrics": {"text/plain"},
}


@pytest.fixture
def document(sqlite_api: httpx.Client, server: Server) -> dict[str, Any]:
    answer = sqlite_api.get(f"{server.url}/openapi.json")
    assert answer.status_code == 200
    read: dict[str, Any] = answer.json()
    return read


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(document: dict[str, Any]) -> None:
    found = list(operations(document))

    names = [operation["operationId"] for _, _, operation in found]
    assert document["openapi"].startswith("3.1")
    assert len(set(names)) == len(names) > 20
    assert {"list_schedules", "create_schedule", "patch_schedule", "trigger_schedule", "list_runs"} <= set(names)
    assert all(operation["description"] for _, _, operation in found)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(references(document)):
        part = document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]


def test_every_operation_declares_its_problems(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        responses = operation["responses"]
        for status, response in responses.items():
            media = set(response.get("content", {}))
            expected = MEDIA.get(path, {"application/json"}) if status < "300" else {"application/problem+json"}
            assert media == (set() if status == "204" else expected), (path, method, status)
        if path.startswith("/api/v1"):
            assert operation.get("security") or path == "/api/v1/sign-in", (path, method)
            assert {"401", "422", "503"} <= set(responses), (path, method)
        if "{" in path:
            assert "404" in responses, (path, method)
        if method in ("put", "patch", "delete") and "{key_id}" not in path:  # a key has no revisions
            assert "412" in responses, (path, method)


def test_every_parameter_of_a_path_is_declared(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        declared = {found["name"] for found in operation.get("parameters", ()) if found["in"] == "path"}
        named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        assert declared == named, (path, method)


def test_a_schedule_is_described_with_its_timings(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["ScheduleDocument"]

    timing = schema["properties"]["timing"]
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"name", "task"}  # and a timing, or `after`
    kinds = next(one for one in timing["anyOf"] if "discriminator" in one)
    assert set(kinds["discriminator"]["mapping"]) == {"crontab", "interval", "clocked", "solar", "rrule"}
