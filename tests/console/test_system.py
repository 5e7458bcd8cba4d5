"""The system on pages: who is there, what waits, what the doctor finds, keys and people, who changed what."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from scheduler_service.console.site import create_site
from scheduler_service.storage import beats
from scheduler_service.storage.session import Database
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.serving import KEY, Server
from tests.console.conftest import key_of
from tests.console.pages import Browser
from tests.console.scene import given_run, given_worker
from tests.support.broker import Broker
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, sql

HOSTILE = "<script>alert(1)</script>\"'"


@pytest.fixture
def with_broker(
    server: Server, held_database: Database, warehouse: Warehouse, tmp_path: Path, broker: Broker
) -> Iterator[Browser]:
    """The admin, before a console that knows a broker."""
    server.app = create_site(
        held_database,
        admin_key=KEY,
        warehouse=warehouse,
        report_places=ReportPlaces(tmp_path),
        broker_url=broker.url,
    )
    with Browser(server.url) as browser:
        yield browser.signed_in(KEY)


def test_workers_are_told_by_what_they_serve(viewer: Browser, held_database: Database) -> None:
    beats.say_alive(held_database)
    orders = given_schedule(held_database, name="orders", every=3600)
    given_worker(held_database, "celery@one", seen=timedelta(seconds=2))
    given_worker(held_database, "celery@heavy", queues=["heavy"], seen=timedelta(minutes=5))
    given_run(held_database, orders, "orders", ago=timedelta(minutes=1), state="running", worker="celery@one")

    page = viewer.read("/system")

    rows = page.one("section", aria_labelledby="h-w").rows()
    assert rows[1][:3] == ["celery@one", "1 of 4", "2 s ago"]
    assert "celery@heavy is silent." in page.one("section", aria_labelledby="h-wrong").text
    queues = {row[0]: row[4] for row in page.one("section", aria_labelledby="h-q").rows()}
    assert queues == {"default": "celery@one", "heavy": "nobody"}


def test_without_a_worker_it_says_how_to_start_one(viewer: Browser) -> None:
    page = viewer.read("/system")

    empty = page.one("div", cls="empty")
    assert empty.one("h2").text == "No worker has come yet"
    assert empty.one("pre").text == "scheduler-service worker"
    assert "No Beat runs." in page.one("section", aria_labelledby="h-wrong").text


def test_what_waits_in_a_queue_that_nobody_serves_is_said_first(
    with_broker: Browser, held_database: Database, broker: Broker
) -> None:
    given_worker(held_database, "celery@one", queues=["heavy"], stopped_at=held_database.clock.now())
    with broker.client() as client:
        client.lpush("heavy", "a", "b")

    page = with_broker.read("/system")

    wrong = page.one("section", aria_labelledby="h-wrong").text
    assert "No worker serves heavy. 2 messages wait in it." in wrong
    assert page.one("section", aria_labelledby="h-q").rows()[0][1] == "2"


def test_beats_and_the_database_are_told(viewer: Browser, held_database: Database) -> None:
    orders = given_schedule(held_database, name="orders", every=3600)
    given_run(held_database, orders, "orders", ago=timedelta(minutes=1), state="succeeded", decided_by="host:1")
    given_run(held_database, orders, "orders", ago=timedelta(minutes=5), state="succeeded", decided_by="host:1")
    given_run(held_database, orders, "orders", ago=timedelta(hours=2), state="succeeded", decided_by="host:2")

    page = viewer.read("/system")

    assert page.one("section", aria_labelledby="h-b").rows() == [["host:1", "1 min ago", "2"]]
    stores = page.one("section", aria_labelledby="h-s").text
    assert ("PostgreSQL" if held_database.dialect == "postgresql" else "SQLite") in stores


def test_the_doctor_says_what_is_wrong_and_what_mends_it(viewer: Browser, held_database: Database) -> None:
    beats.say_alive(held_database)
    given_schedule(held_database, name=HOSTILE, every=60, quarantine_reason="Its zone is unknown.")
    assert viewer.read("/system/doctor").one("div", cls="empty").one("h2").text == "Nobody has asked yet"

    page = viewer.read("/system/doctor?look=1")

    found = next(one for one in page.all("div", cls="finding") if "quarantined" in one.one("h3").text)
    assert HOSTILE in found.text
    assert "Mend what its reason names" in found.text
    assert viewer.last is not None
    assert "<script>alert" not in viewer.last.text
    again = viewer.read("/system/doctor", language="zh")
    assert "调度被隔离" in again.text
    assert "它已停用。Its zone is unknown." in again.text
    assert "修复原因中指出的问题" in again.text


def test_a_key_is_shown_once(admin: Browser, held_database: Database) -> None:
    page = admin.send(admin.read("/system/keys/new").one("form", action="/system/keys"), name="deploy", role="operator")

    key = page.one("input", id="key")["value"]
    assert admin.last is not None
    assert admin.last.headers["cache-control"] == "no-store"
    admin.read("/system/keys")
    assert key not in admin.last.text
    with Browser(admin.origin) as deploy:
        assert deploy.signed_in(key).read("/runs").one("h1").text == "Runs"


def test_what_is_wrong_with_a_key_is_said_beside_it_and_nothing_typed_is_lost(admin: Browser) -> None:
    form = admin.read("/system/keys/new").one("form", action="/system/keys")
    admin.send(form, name="deploy", days="30")

    page = admin.send(form, name="deploy", days="30", role="operator", status=409)
    assert "exists already" in page.one("div", role="alert").text
    assert page.one("form", action="/system/keys").fields() | {"csrf_token": ""} == {
        "csrf_token": "", "name": "deploy", "role": "operator", "days": "30",
    }  # fmt: skip

    page = admin.send(form, name=" ", status=422)
    assert page.one("input", id="name")["aria-describedby"].split()[0] == "name-error"


def test_a_key_is_revoked_and_its_sessions_end(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    with Browser(admin.origin) as deploy:
        deploy.signed_in(key_of(held_database, clock, "operator"))
        page = admin.read("/system/keys")
        (form,) = [one for one in page.all("form") if one["action"].endswith("/revoke")]

        after = admin.send(form)

        assert "revoked" in after.one("section", aria_labelledby="h-keys").rows()[0][5]
        assert deploy.http.get("/runs").status_code == 303


def test_somebody_is_shown_out(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    with Browser(admin.origin) as other:
        other.signed_in(key_of(held_database, clock, "viewer"))
        people = admin.read("/system/keys").one("section", aria_labelledby="h-people")
        place = next(number for number, row in enumerate(people.rows()) if row[0] == "key:viewer's key")
        form = [one for one in admin.read("/system/keys").all("form") if one["action"].endswith("/end")][place]

        admin.send(form)

        assert other.http.get("/runs").status_code == 303
        assert admin.post(form["action"]).status_code == 404


def test_keys_are_for_admins(operator: Browser) -> None:
    assert "Keys and people" not in operator.read("/system").text
    operator.read("/system/keys", status=403)
    operator.read("/system/keys/new", status=403)
    assert operator.post("/system/keys", {"name": "mine", "role": "admin"}).status_code == 403


def test_a_form_without_its_token_is_refused(admin: Browser) -> None:
    answer = admin.http.post("/system/keys", data={"name": "mine", "role": "admin"}, headers={"Origin": admin.origin})

    assert answer.status_code == 403
    assert admin.read("/system/keys").one("section", aria_labelledby="h-keys").has("div", cls="empty")


def test_the_audit_says_who_changed_what_from_what_to_what(admin: Browser, held_database: Database) -> None:
    schedule = given_schedule(held_database, name=HOSTILE, every=60)
    sql(held_database, "UPDATE periodic_task SET enabled = :no", no=False)

    page = admin.read("/system/audit?actor=database")

    (event,) = [one for one in page.one("ul", cls="trail").all("li") if "enabled" in one.text]
    assert event.one("del").text == "true"
    assert event.one("ins").text == "false"
    assert event.one("a", href=f"/schedules/{schedule}").text == HOSTILE
    assert admin.last is not None
    assert "<script>alert" not in admin.last.text
    assert admin.read("/system/audit?actor=nobody").one("div", cls="empty").one("a")["href"] == "/system/audit"
    assert "It was “then”." in admin.read("/system/audit?since=then").one("div", cls="note-bad").text


def test_the_system_is_told_in_chinese(admin: Browser) -> None:
    assert admin.read("/system", language="zh").one("h1").text == "系统"
    assert admin.read("/system/keys", language="zh").one("h1").text == "密钥与人员"
    assert admin.read("/system/audit", language="zh").one("h1").text == "审计"
