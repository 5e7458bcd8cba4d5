"""What tests of the API begin with."""

from datetime import UTC, datetime
from typing import Any

import httpx

from scheduler_service.beat import decide
from scheduler_service.storage import schedules
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.session import Database

CRONTAB = {"type": "crontab", "expression": "*/5 * * * *"}
INTERVAL = {"type": "interval", "every": 30, "period": "seconds"}


def schedule_body(name: str = "orders", **fields: Any) -> dict[str, Any]:
    return {"name": name, "task": "shop.collect_orders", "timing": INTERVAL} | fields


def given_schedule(api: httpx.Client, name: str = "orders", **fields: Any) -> dict[str, Any]:
    answer = api.post("/schedules", json=schedule_body(name, **fields))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def given_key(api: httpx.Client, name: str = "ci", role: str = "viewer", **fields: Any) -> dict[str, Any]:
    """A new API key, with the key itself as `key`."""
    answer = api.post("/keys", json={"name": name, "role": role} | fields)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def planned(database: Database, schedule_id: int) -> PeriodicTask:
    """The row, after a Beat has planned it."""
    decide.plan_unplanned(database, limit=100)
    return row_of(database, schedule_id)


def row_of(database: Database, schedule_id: int) -> PeriodicTask:
    with database.reading() as session:
        return schedules.get(session, schedule_id)


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The body of a refusal, which is a whole problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body: dict[str, Any] = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"] == f"urn:scheduler-service:problem:{body['code']}"
    assert body["title"]
    assert body["detail"]
    return body


def fields_of(problem: httpx.Response) -> dict[str, str]:
    """Each bad field of a refusal, with the reason."""
    assert problem.headers["content-type"] == "application/problem+json", problem.text
    found = problem.json()["errors"]
    fields = {error["field"]: error["reason"] for error in found}
    assert len(fields) == len(found), f"a field has two entries: {found}"
    return fields


def instant(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text).astimezone(UTC)
