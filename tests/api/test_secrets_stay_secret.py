"""A key, a cookie or a password is in nothing that is written down or told: the bytes are searched.

A real API process, with everything that may be logged logged, is asked right and wrong things.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url, text

from scheduler_service.storage.session import Database
from tests.api.given import given_key, given_schedule
from tests.cli.foreground import environment
from tests.support.ports import free_port
from tests.support.postgres import Postgres
from tests.support.processes import Process

ADMIN_KEY = "the-admins-key-0123456789"
DATABASE_PASSWORD = "a-password-of-the-database"
CLIENT_SECRET = "a-secret-of-the-oidc-client"
WRONG_KEY = "sk_00000000_somebody-mistyped-a-character-of-it"


class Service:
    """An API process and all that it ever answered."""

    def __init__(self, process: Process, url: str) -> None:
        self.process, self.url = process, url
        self.answers = b""

    @contextmanager
    def client(self, key: str | None = ADMIN_KEY) -> Iterator[httpx.Client]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        hooks = {"response": [self._keep]}
        with httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, event_hooks=hooks) as client:
            yield client

    def _keep(self, answer: httpx.Response) -> None:
        answer.read()
        if answer.request.url.path != "/api/v1/keys" or answer.request.method != "POST":  # which tells the key, once
            self.answers += answer.content + repr(answer.headers.multi_items()).encode()


@contextmanager
def serving(log: Path, **settings: object) -> Iterator[Service]:
    port = free_port()
    env = environment(data_dir=log.parent / "data", api_port=port, admin_key=ADMIN_KEY, log_level="DEBUG", **settings)
    process = Process([sys.executable, "-m", "scheduler_service.cli", "api"], env, log)
    try:
        process.wait_for("Uvicorn running")
        yield Service(process, f"http://127.0.0.1:{port}")
    finally:
        process.stop()


@pytest.mark.takes(10)
def test_no_key_or_cookie_is_written_or_told(sqlite_url: str, tmp_path: Path) -> None:
    oidc = {"oidc_issuer": f"http://127.0.0.1:{free_port()}", "oidc_client_id": "us", "oidc_roles": "*=viewer"}
    with serving(tmp_path / "api.log", database_url=sqlite_url, oidc_client_secret=CLIENT_SECRET, **oidc) as service:
        with service.client() as admin, service.client(key=None) as browser:
            key = given_key(admin, "ci", "admin")["key"]
            session = sign_in(browser, key)
            sign_in(browser, ADMIN_KEY)
            secrets = {"admin key": ADMIN_KEY, "key": key.split("_", 2)[2], "client secret": CLIENT_SECRET} | session
            ask_right_things(service, admin, browser, key)
            ask_wrong_things(service, browser, key)
            fail(sqlite_url, admin, browser, key)
        log = service.process.log_path.read_bytes()

    written = {"log": log, "answers": service.answers}
    written |= {path.name: path.read_bytes() for path in tmp_path.rglob("*.db*")}
    found = {(where, name) for where in written for name in secrets if secrets[name].encode() in written[where]}
    assert b"Traceback" in log, "the failure was meant to be logged"
    assert b"key:ci" in written["scheduler.db"] + written.get("scheduler.db-wal", b"")
    assert found == {("answers", "cookie"), ("answers", "csrf token")}, "which are told to whom they are for"
    assert WRONG_KEY.encode() not in log + service.answers


def sign_in(browser: httpx.Client, key: str) -> dict[str, str]:
    answer = browser.post("/sign-in", json={"key": key})
    return {"cookie": browser.cookies["scheduler_session"], "csrf token": answer.json()["csrf_token"]}


def ask_right_things(service: Service, admin: httpx.Client, browser: httpx.Client, key: str) -> None:
    with service.client(key) as client:
        given_schedule(client)
    for path in ("/me", "/keys", "/audit", "/schedules", "/schedules/export"):
        assert admin.get(path).status_code == 200, path
    browser.get(f"{service.url}/openapi.json")
    browser.get(f"{service.url}/metrics")
    browser.get(f"{service.url}/sign-in/oidc")


def ask_wrong_things(service: Service, browser: httpx.Client, key: str) -> None:
    """With the key where it does not belong."""
    with service.client(WRONG_KEY) as stranger:
        stranger.get("/schedules")
        stranger.post("/schedules", content=b"{")
    for shown in (key, WRONG_KEY):
        browser.get("/schedules", params={"key": shown, "limit": shown})
        browser.get("/schedules", headers={"Authorization": shown})
        browser.get("/schedules", headers={"Authorization": f"Basic {shown}"})
        browser.post("/schedules", headers={"X-CSRF-Token": shown, "Origin": "https://elsewhere.example"})
        browser.post("/sign-in", json={"key": [shown]})
        browser.post("/sign-in", json={"key": shown, "password": shown})
        browser.post("/sign-in", json={"key": shown * 20})
        browser.post("/sign-in", content=f'{{"key": "{shown}"')
        browser.post("/sign-in", data={"password": shown})
        browser.post("/sign-in", json=shown)


def fail(database_url: str, admin: httpx.Client, browser: httpx.Client, key: str) -> None:
    """With what nobody foresaw, in the middle of each thing that has to do with keys."""
    database = Database(database_url)
    with database.transaction() as session:
        session.execute(text("ALTER TABLE audit_event RENAME TO gone"))
    answers = [
        admin.post("/keys", json={"name": "x", "role": "viewer"}),
        browser.post("/sign-in", json={"key": key}),
        browser.post("/sign-in", data={"key": ADMIN_KEY}),
    ]
    with database.transaction() as session:
        session.execute(text("ALTER TABLE api_key RENAME TO gone_too"))
    answers += [admin.get("/keys"), browser.post("/sign-in", json={"key": key}), browser.get("/me")]
    database.close()
    assert {answer.status_code for answer in answers} == {500}


@pytest.mark.takes(10)
def test_the_password_of_a_database_that_goes_away_is_not_told(postgres: Postgres, tmp_path: Path) -> None:
    plain = postgres.create()
    url = make_url(plain).set(password=DATABASE_PASSWORD).render_as_string(hide_password=False)
    with serving(tmp_path / "api.log", database_url=url) as service, service.client() as admin:
        before = admin.get("/schedules").status_code
        postgres.drop(plain)
        answers = [admin.get("/schedules"), admin.post("/keys", json={"name": "x", "role": "viewer"})]
        answers.append(admin.get(f"{service.url}/readyz"))
    log = service.process.log_path.read_bytes()

    assert (before, {answer.status_code for answer in answers}) == (200, {503})
    assert b"does not exist" in log
    assert DATABASE_PASSWORD.encode() not in log + service.answers
