"""Reports by REST, with the service's own processes: scheduled, made by a worker, delivered by mail, taken away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.api_client import api_of, ok
from tests.support.processes import Site
from tests.support.waiting import eventually
from tests.workloads.delivery.post import PASSWORD, Inbox, mail_server

ENDLESS = "SELECT sum(a.i * b.i) AS n FROM range(10000000) AS a(i), range(10000000) AS b(i)"
TABLE = {"type": "table", "title": "数字", "sql": "SELECT i AS n FROM range(3) AS numbers(i)"}
CHART = {"type": "chart", "kind": "bar", "x": "n", "y": ["n"], "sql": TABLE["sql"]}
DAILY = {"type": "crontab", "expression": "0 0 * * *"}


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with mail_server(tmp_path) as server:
        yield server


@pytest.fixture
def service(any_site: Site, inbox: Inbox, tmp_path: Path) -> Iterator[httpx.Client]:
    """The API, one Beat and one worker, which know the mail server; a client that is signed in."""
    connections = tmp_path / "connections.toml"
    connections.write_text(
        f'[mail]\ntype = "smtp"\nhost = "localhost"\nport = {inbox.port}\nuser = "service"\npassword = "{PASSWORD}"\n'
        f'sender = "reports@example.com"\nca_file = "{inbox.authority}"\n'
    )
    connections.chmod(0o600)
    any_site.env["SCHEDULER_CONNECTIONS_FILE"] = str(connections)
    beat, worker = any_site.service("beat"), any_site.service("worker")
    with api_of(any_site) as client:
        beat.wait_for("beat: Starting...")
        worker.wait_for(" ready.")
        yield client


def scheduled(service: httpx.Client, **definition: Any) -> int:
    """A daily schedule of a report; its id."""
    written = {"title": "日报", "sections": [TABLE, CHART], "outputs": ["html", "pdf", "xlsx"], **definition}
    report = ok(service.post("/reports", json={"name": "daily", "definition": written}))
    schedule = {"name": "daily", "task": "report.generate_scheduled", "args": [report["id"]], "timing": DAILY}
    made: int = ok(service.post("/schedules", json=schedule))["id"]
    return made


def ended(service: httpx.Client, run_id: str) -> dict[str, Any] | None:
    run: dict[str, Any] = ok(service.get(f"/runs/{run_id}"))
    return run if run["finished_at"] else None


@pytest.mark.takes(40)
def test_a_scheduled_report_is_made_mailed_and_taken_away(service: httpx.Client, inbox: Inbox) -> None:
    inbox.refusals["b@example.com"] = "550 nobody"
    email = {"type": "email", "connection": "mail", "to": ["a@example.com", "b@example.com"], "outputs": ["pdf"]}
    schedule = scheduled(service, deliver=[email])

    run_id = ok(service.post(f"/schedules/{schedule}/trigger"))["id"]
    run = eventually(lambda: ended(service, run_id), within=60)

    assert (run["state"], run["error"]) == ("succeeded", None)
    assert [one["output"] for one in run["result"]["artifacts"]] == ["html", "pdf", "xlsx", "mail"]
    assert run["result"]["deliveries"] == {"sent": 1, "failed": 1}
    ((recipients, message),) = inbox.taken
    assert recipients == ["a@example.com"]
    (pdf,) = message.iter_attachments()
    artifact = next(one for one in run["result"]["artifacts"] if one["output"] == "pdf")
    content = service.get(f"/artifacts/{artifact['id']}/content").content
    assert pdf.get_content() == content
    assert content.startswith(b"%PDF")

    inbox.refusals.clear()
    (failed,) = ok(service.get("/deliveries?state=failed"))["items"]
    eventually(lambda: sender_is_there(service), within=20)
    ok(service.post(f"/deliveries/{failed['id']}/retry"))
    eventually(lambda: len(inbox.taken) == 2, within=30)
    assert inbox.taken[1][0] == ["b@example.com"]
    assert inbox.taken[1][1]["Message-ID"] == message["Message-ID"]


def sender_is_there(service: httpx.Client) -> bool:
    return bool(ok(service.get("/schedules?task=report.deliver_pending"))["items"])


@pytest.mark.takes(30)
def test_a_cancelled_report_ends_soon_and_leaves_nothing(service: httpx.Client) -> None:
    schedule = scheduled(service, sections=[TABLE, TABLE | {"title": "endless", "sql": ENDLESS}])
    run_id = ok(service.post(f"/schedules/{schedule}/trigger"))["id"]
    progress = eventually(lambda: at_step_two(service, run_id), within=60)

    ok(service.post(f"/runs/{run_id}/cancel"))
    run = eventually(lambda: ended(service, run_id), within=15)

    assert (progress["step"], progress["of"], progress["text"]) == (2, 5, "endless")
    assert run["state"] == "cancelled"
    assert ok(service.get("/artifacts"))["items"] == []


def at_step_two(service: httpx.Client, run_id: str) -> dict[str, Any] | None:
    progress: dict[str, Any] | None = ok(service.get(f"/runs/{run_id}"))["progress"]
    return progress if progress and progress.get("step") == 2 else None
