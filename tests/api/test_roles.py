"""Who may do what: every operation of the document, with no key and with a key of each role."""

from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from scheduler_service.api.access import Access
from scheduler_service.api.app import create_api
from scheduler_service.api.auth import role_needed
from scheduler_service.services.oidc import Provider
from scheduler_service.services.roles import ROLES, Role
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import given_key, given_schedule, problem
from tests.api.serving import KEY, Server

OPEN = "open"
API = "/api/v1"
#: Every route is here: one that is missing, or gone, fails the test. GET is for viewers and the rest for admins,
#: but where another role says that somebody thought about it.
NEEDED: dict[tuple[str, str], Role | str] = {
    ("get", "/healthz"): OPEN,
    ("get", "/readyz"): OPEN,
    ("get", "/metrics"): OPEN,
    ("get", "/docs"): OPEN,
    ("get", "/openapi.json"): OPEN,
    ("head", "/openapi.json"): OPEN,
    ("get", "/sign-in/oidc"): OPEN,
    ("get", "/sign-in/oidc/callback"): OPEN,
    ("post", f"{API}/sign-in"): OPEN,
    ("post", f"{API}/sign-out"): "viewer",
    ("get", f"{API}/me"): "viewer",
    ("get", f"{API}/keys"): "admin",
    ("post", f"{API}/keys"): "admin",
    ("delete", f"{API}/keys/{{key_id}}"): "admin",
    ("get", f"{API}/schedules"): "viewer",
    ("post", f"{API}/schedules"): "admin",
    ("post", f"{API}/schedules/preview"): "viewer",
    ("post", f"{API}/schedules/bulk"): "operator",
    ("get", f"{API}/schedules/export"): "viewer",
    ("post", f"{API}/schedules/import"): "admin",
    ("get", f"{API}/schedules/{{schedule_id}}"): "viewer",
    ("put", f"{API}/schedules/{{schedule_id}}"): "admin",
    ("patch", f"{API}/schedules/{{schedule_id}}"): "admin",
    ("delete", f"{API}/schedules/{{schedule_id}}"): "admin",
    ("post", f"{API}/schedules/{{schedule_id}}/pause"): "operator",
    ("post", f"{API}/schedules/{{schedule_id}}/resume"): "operator",
    ("post", f"{API}/schedules/{{schedule_id}}/trigger"): "operator",
    ("post", f"{API}/schedules/{{schedule_id}}/backfill"): "operator",
    ("get", f"{API}/schedules/{{schedule_id}}/next"): "viewer",
    ("get", f"{API}/schedules/{{schedule_id}}/runs"): "viewer",
    ("get", f"{API}/runs"): "viewer",
    ("post", f"{API}/runs"): "operator",
    ("get", f"{API}/runs/{{run_id}}"): "viewer",
    ("get", f"{API}/runs/{{run_id}}/chain"): "viewer",
    ("post", f"{API}/runs/{{run_id}}/cancel"): "operator",
    ("post", f"{API}/runs/{{run_id}}/retry"): "operator",
    ("get", f"{API}/backfills"): "viewer",
    ("get", f"{API}/backfills/{{backfill_id}}"): "viewer",
    ("post", f"{API}/backfills/{{backfill_id}}/cancel"): "operator",
    ("get", f"{API}/calendars"): "viewer",
    ("post", f"{API}/calendars"): "admin",
    ("get", f"{API}/calendars/{{calendar_id}}"): "viewer",
    ("put", f"{API}/calendars/{{calendar_id}}"): "admin",
    ("patch", f"{API}/calendars/{{calendar_id}}"): "admin",
    ("delete", f"{API}/calendars/{{calendar_id}}"): "admin",
    ("get", f"{API}/load"): "viewer",
    ("get", f"{API}/moves"): "viewer",
    ("get", f"{API}/moves/summary"): "viewer",
    ("post", f"{API}/observed-runs"): "operator",
    ("get", f"{API}/stats"): "viewer",
    ("get", f"{API}/audit"): "viewer",
    ("get", f"{API}/events"): "viewer",
    ("get", f"{API}/tasks"): "viewer",
    ("get", f"{API}/workers"): "viewer",
    ("get", f"{API}/collect-tasks"): "viewer",
    ("post", f"{API}/collect-tasks"): "admin",
    ("get", f"{API}/collect-tasks/{{collect_task_id}}"): "viewer",
    ("put", f"{API}/collect-tasks/{{collect_task_id}}"): "admin",
    ("patch", f"{API}/collect-tasks/{{collect_task_id}}"): "admin",
    ("delete", f"{API}/collect-tasks/{{collect_task_id}}"): "admin",
    ("get", f"{API}/etl-pipelines"): "viewer",
    ("post", f"{API}/etl-pipelines"): "admin",
    ("post", f"{API}/etl-pipelines/check"): "admin",
    ("get", f"{API}/etl-pipelines/{{pipeline_id}}"): "viewer",
    ("put", f"{API}/etl-pipelines/{{pipeline_id}}"): "admin",
    ("patch", f"{API}/etl-pipelines/{{pipeline_id}}"): "admin",
    ("delete", f"{API}/etl-pipelines/{{pipeline_id}}"): "admin",
    ("get", f"{API}/etl-pipelines/{{pipeline_id}}/lineage"): "viewer",
    ("get", f"{API}/reports"): "viewer",
    ("post", f"{API}/reports"): "admin",
    ("get", f"{API}/reports/{{report_id}}"): "viewer",
    ("put", f"{API}/reports/{{report_id}}"): "admin",
    ("patch", f"{API}/reports/{{report_id}}"): "admin",
    ("delete", f"{API}/reports/{{report_id}}"): "admin",
    ("post", f"{API}/reports/{{report_id}}/preview"): "operator",
    ("get", f"{API}/artifacts"): "viewer",
    ("get", f"{API}/artifacts/{{artifact_id}}"): "viewer",
    ("get", f"{API}/artifacts/{{artifact_id}}/content"): "viewer",
    ("post", f"{API}/artifacts/{{artifact_id}}/deliver"): "admin",
    ("get", f"{API}/deliveries"): "viewer",
    ("get", f"{API}/deliveries/{{delivery_id}}"): "viewer",
    ("post", f"{API}/deliveries/{{delivery_id}}/retry"): "operator",
    ("get", f"{API}/connections"): "operator",
    ("post", f"{API}/connections/{{name}}/test"): "operator",
    ("get", f"{API}/datasets"): "viewer",
    ("get", f"{API}/datasets/{{name}}"): "viewer",
    ("get", f"{API}/datasets/{{name}}/rows"): "viewer",
}
IDS = {
    "schedule_id": 1,
    "run_id": "0" * 32,
    "backfill_id": 1,
    "calendar_id": 1,
    "collect_task_id": 1,
    "pipeline_id": 1,
    "report_id": 1,
    "artifact_id": "0" * 32,
    "delivery_id": 1,
    "key_id": 77,
    "name": "nothing",
}


def asked(client: httpx.Client, server: Server, method: str, path: str) -> tuple[int, str]:
    """The status, and the code of a refusal; of a stream only its beginning is read."""
    body: dict[str, Any] | None = {} if method in ("post", "put", "patch") else None
    with client.stream(method, f"{server.url}{path.format(**IDS)}", json=body) as answer:
        if answer.status_code in (401, 403):
            answer.read()
            return answer.status_code, problem(answer)["code"]
        return answer.status_code, ""


def test_every_operation_is_classed(sqlite_url: str, warehouse: Warehouse) -> None:
    """Those that the document does not show as well."""
    access = Access(provider=Provider("https://id.example", "us", "a secret", roles={}))
    app = create_api(Database(sqlite_url), admin_key=KEY, warehouse=warehouse, access=access)
    documented = {(method, path) for path, methods in app.openapi()["paths"].items() for method in methods}
    routes = {
        (method.lower(), str(route.path)) for route in iter_route_contexts(app.routes) for method in route.methods or ()
    }

    assert routes == set(NEEDED)
    assert documented <= routes


def test_a_route_that_says_nothing_is_for_viewers_to_read_and_for_admins_else() -> None:
    route = APIRoute("/new", lambda: None)

    needed = {method: role_needed(route, method) for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")}

    assert {method for method, role in needed.items() if role == "viewer"} == {"GET", "HEAD"}
    assert set(needed.values()) == {"viewer", "admin"}


def test_the_document_says_which_role_each_takes(sqlite_api: httpx.Client, server: Server) -> None:
    document = sqlite_api.get(f"{server.url}/openapi.json").json()

    said = {
        (method, path): operation["responses"]["403"]["description"].split(";")[0].removeprefix("It takes the role ")
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "security" in operation
    }
    assert said == {operation: role for operation, role in NEEDED.items() if role != OPEN}


def test_without_a_key_only_what_is_open_answers(sqlite_api: httpx.Client, server: Server) -> None:
    del sqlite_api.headers["Authorization"]
    answers = {operation: asked(sqlite_api, server, *operation) for operation in NEEDED}

    let_in = {operation for operation, answer in answers.items() if answer != (401, "unauthenticated")}
    assert let_in == {operation for operation, role in NEEDED.items() if role == OPEN}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_it_is_for_and_nothing_more(sqlite_api: httpx.Client, server: Server, role: Role) -> None:
    given_schedule(sqlite_api)
    with server.client(key=given_key(sqlite_api, role=role)["key"]) as client:
        answers = {operation: asked(client, server, *operation) for operation in NEEDED}

    refused = {operation for operation, answer in answers.items() if answer == (403, "forbidden")}
    allowed = (OPEN, *ROLES[: ROLES.index(role) + 1])
    assert refused == {operation for operation, needed in NEEDED.items() if needed not in allowed}
    assert not {operation for operation, (status, _) in answers.items() if status == 401}


@pytest.mark.parametrize(
    ("deed", "needed"),
    [
        ({"action": "pause"}, "operator"),
        ({"action": "resume"}, "operator"),
        ({"action": "trigger"}, "operator"),
        ({"action": "delete"}, "admin"),
        ({"action": "tag", "tags": ["a"]}, "admin"),
        ({"action": "untag", "tags": ["a"]}, "admin"),
    ],
    ids=str,
)
def test_on_many_schedules_a_role_may_do_what_it_may_do_on_one(
    sqlite_api: httpx.Client, server: Server, deed: dict[str, Any], needed: Role
) -> None:
    given_schedule(sqlite_api)
    with server.client(key=given_key(sqlite_api, role="operator")["key"]) as operator:
        answer = operator.post("/schedules/bulk", json=deed | {"ids": [1]})

    assert answer.status_code == (200 if needed == "operator" else 403), answer.text


def test_a_refusal_says_which_role_it_takes_and_comes_before_anything_else(
    sqlite_api: httpx.Client, server: Server
) -> None:
    with server.client(key=given_key(sqlite_api)["key"]) as viewer:
        answer = viewer.put("/schedules/77", json={"nonsense": True})

    assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    assert answer.json()["detail"] == "This needs the role admin; yours is viewer."


def test_who_may_only_look_holds_up_nobody_who_writes(server: Server, sqlite_url: str, warehouse: Warehouse) -> None:
    """On SQLite a transaction that begins for a request that is refused would wait for whoever writes."""
    database = Database(sqlite_url)
    server.app = create_api(database, admin_key=KEY, warehouse=warehouse)
    with server.client() as admin:
        key = given_key(admin)["key"]

    with server.client(key=key) as viewer, database.transaction() as session:
        session.connection()  # begins, and with that has the only place for a writer
        answer = viewer.post("/schedules/1/pause", timeout=3)
    database.close()

    assert answer.status_code == 403
