"""Signing in to the console: a session's cookie, what it opens, what else a change needs, and when it ends."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from scheduler_service.api.access import Access
from scheduler_service.api.app import create_api
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import fields_of, given_key, given_schedule, problem
from tests.api.serving import KEY, Server
from tests.support.clock import ManualClock
from tests.support.waiting import eventually

COOKIE = "scheduler_session"
IDLE, LIFETIME = timedelta(hours=12), timedelta(days=7)


@pytest.fixture
def browser(served: Server) -> Iterator[httpx.Client]:
    """A browser: no key, but it keeps cookies."""
    with served.client(key=None) as client:
        yield client


def sign_in(browser: httpx.Client, key: str = KEY) -> dict[str, str]:
    """Sign in; the headers that a page of ours sends along with a change."""
    answer = browser.post("/sign-in", json={"key": key})
    assert answer.status_code == 200, answer.text
    return {"X-CSRF-Token": answer.json()["csrf_token"], "Origin": origin_of(browser)}


def origin_of(browser: httpx.Client) -> str:
    return str(browser.base_url.copy_with(raw_path=b"")).rstrip("/")


def test_a_key_is_exchanged_for_a_cookie_that_scripts_cannot_read(browser: httpx.Client, clock: ManualClock) -> None:
    answer = browser.post("/sign-in", json={"key": KEY})

    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=lax", f"Max-Age={7 * 24 * 3600}"}
    assert answer.headers["cache-control"] == "no-store"
    me = browser.get("/me").json()
    assert me == answer.json()
    assert (me["actor"], me["role"], len(me["csrf_token"])) == ("admin", "admin", 64)
    assert me["expires_at"] == (clock.now() + LIFETIME).isoformat().replace("+00:00", "Z")


def test_a_form_does_as_well(browser: httpx.Client) -> None:
    answer = browser.post("/sign-in", data={"key": KEY}, headers={"Origin": origin_of(browser)})

    assert answer.status_code == 200
    assert browser.get("/me").status_code == 200


def test_with_tls_the_cookie_never_goes_without(server: Server, held_database: Database, warehouse: Warehouse) -> None:
    access = Access(public_url="https://schedules.example")
    server.app = create_api(held_database, admin_key=KEY, warehouse=warehouse, access=access)
    with server.client(key=None) as browser:
        answer = browser.post("/sign-in", json={"key": KEY}, headers={"Origin": "https://schedules.example"})

    assert "; Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        pytest.param({"json": {"key": "not-a-key"}}, 401, "unauthenticated", id="unknown key"),
        pytest.param({"json": {}}, 422, "invalid", id="no key"),
        pytest.param({"json": [1]}, 422, "invalid", id="no object"),
        pytest.param({"json": {"key": KEY, "role": "admin"}}, 422, "invalid", id="more than a key"),
        pytest.param({"data": {"password": KEY}}, 422, "invalid", id="another field of a form"),
        pytest.param({"content": b'{"key": '}, 400, "malformed", id="no JSON"),
        pytest.param({"content": b""}, 400, "malformed", id="nothing"),
        pytest.param({"content": b"[" * 100_000}, 400, "malformed", id="deep"),
        pytest.param({"content": b'{"key": "\\ud800"}'}, 400, "malformed", id="lone surrogate"),
        pytest.param({"content": b'{"key": "\xff"}'}, 400, "malformed", id="no UTF-8"),
    ],
)
def test_what_is_no_key_lets_nobody_in(
    sqlite_api: httpx.Client, sent: dict[str, object], status: int, code: str
) -> None:
    answer = sqlite_api.post("/sign-in", **sent)  # type: ignore[arg-type]

    assert (answer.status_code, problem(answer)["code"]) == (status, code)
    assert "set-cookie" not in answer.headers


def test_a_key_that_is_too_long_is_not_told_back(browser: httpx.Client) -> None:
    answer = browser.post("/sign-in", json={"key": "abcdefgh" * 100})

    assert fields_of(answer) == {"key": "value should have at most 500 items after validation, not 800"}
    assert "abcdefgh" not in answer.text


def test_with_a_session_a_change_needs_the_token_and_our_origin(browser: httpx.Client, api: httpx.Client) -> None:
    given_schedule(api)
    headers = sign_in(browser)
    token, origin = {"X-CSRF-Token": headers["X-CSRF-Token"]}, {"Origin": headers["Origin"]}
    refused = {
        "nothing": {},
        "no token": origin,
        "no origin": token,
        "another origin": token | {"Origin": "https://evil.example"},
        "a hidden origin": token | {"Origin": "null"},
        "another scheme": token | {"Origin": origin["Origin"].replace("http:", "https:")},
        "another token": origin | {"X-CSRF-Token": "0" * 64},
        "odd token": {b"Origin": origin["Origin"].encode(), b"X-CSRF-Token": b"\xff\xfe"},
    }

    answers = {name: browser.post("/schedules/1/pause", headers=sent) for name, sent in refused.items()}  # type: ignore[arg-type]

    assert {(answer.status_code, problem(answer)["code"]) for answer in answers.values()} == {(403, "cross_site")}
    assert api.get("/schedules/1").json()["state"] == "active"
    assert browser.get("/schedules", headers={"Origin": "https://evil.example"}).status_code == 200
    assert browser.post("/schedules/1/pause", headers=headers).status_code == 200


def test_a_key_needs_neither(api: httpx.Client) -> None:
    given_schedule(api)

    assert api.post("/schedules/1/pause", headers={"Origin": "https://elsewhere.example"}).status_code == 200


def test_a_page_of_another_origin_signs_nobody_in(browser: httpx.Client) -> None:
    answer = browser.post("/sign-in", json={"key": KEY}, headers={"Origin": "https://evil.example"})

    assert (answer.status_code, problem(answer)["code"]) == (403, "cross_site")


def test_a_key_that_is_shown_counts_before_a_cookie(browser: httpx.Client) -> None:
    sign_in(browser)

    assert browser.get("/me", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_signing_out_ends_the_session_and_not_only_the_cookie(browser: httpx.Client) -> None:
    headers = sign_in(browser)
    stolen = {"Cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}
    answer = browser.post("/sign-out", headers=headers)

    assert answer.status_code == 204
    assert COOKIE not in browser.cookies
    assert browser.get("/me", headers=stolen).status_code == 401


def test_signing_in_again_makes_another_session_and_ends_the_one_before(browser: httpx.Client) -> None:
    sign_in(browser)
    first = browser.cookies[COOKIE]
    sign_in(browser)
    second = browser.cookies[COOKIE]
    browser.cookies.clear()

    answers = [browser.get("/me", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code for cookie in (first, second)]
    assert answers == [401, 200]


def test_a_cookie_that_somebody_planted_is_not_taken_over(browser: httpx.Client) -> None:
    browser.cookies.set(COOKIE, "planted")
    answer = browser.post("/sign-in", json={"key": KEY})

    assert "planted" not in answer.headers["set-cookie"]
    assert browser.get("/me", headers={"Cookie": f"{COOKIE}=planted"}).status_code == 401


def test_a_session_ends_when_it_was_not_used_for_long(
    browser: httpx.Client, clock: ManualClock, held_database: Database
) -> None:
    sign_in(browser)
    clock.advance(IDLE - timedelta(seconds=1))
    used = browser.get("/me").status_code
    eventually(lambda: last_use(held_database) == clock.now().strftime("%H:%M:%S"), within=5)
    clock.advance(IDLE - timedelta(seconds=1))
    used_again = browser.get("/me").status_code
    eventually(lambda: last_use(held_database) == clock.now().strftime("%H:%M:%S"), within=5)
    clock.advance(IDLE)

    assert (used, used_again, browser.get("/me").status_code) == (200, 200, 401)


def test_a_session_ends_after_its_lifetime_however_much_it_is_used(
    browser: httpx.Client, clock: ManualClock, held_database: Database
) -> None:
    sign_in(browser)
    began = clock.now()
    while clock.now() + timedelta(hours=11) < began + LIFETIME:
        clock.advance(timedelta(hours=11))
        assert browser.get("/me").status_code == 200
        eventually(lambda: last_use(held_database) == clock.now().strftime("%H:%M:%S"), within=5)

    clock.set(began + LIFETIME)

    assert browser.get("/me").status_code == 401


def test_a_session_ends_with_the_key_that_opened_it(
    browser: httpx.Client, api: httpx.Client, clock: ManualClock
) -> None:
    soon = clock.now() + timedelta(hours=1)
    key = given_key(api, "ci", "operator", expires_at=soon.isoformat())
    sign_in(browser, key["key"])
    me = browser.get("/me").json()
    clock.advance(timedelta(hours=1))
    expired = browser.get("/me").status_code

    sign_in(browser, given_key(api, "ci 2", "operator")["key"])
    before = browser.get("/me").status_code
    api.delete(f"/keys/{key['id'] + 1}")

    assert (me["actor"], me["role"]) == ("key:ci", "operator")
    assert me["expires_at"] == soon.isoformat().replace("+00:00", "Z")
    assert (expired, before, browser.get("/me").status_code) == (401, 200, 401)


def test_an_admins_session_ends_with_the_admins_key(
    browser: httpx.Client, served: Server, held_database: Database, warehouse: Warehouse
) -> None:
    sign_in(browser)
    served.app = create_api(held_database, admin_key="another key for the admin", warehouse=warehouse)

    assert browser.get("/me").status_code == 401


def test_the_session_has_the_role_of_the_key(browser: httpx.Client, api: httpx.Client) -> None:
    given_schedule(api)
    headers = sign_in(browser, given_key(api)["key"])

    answer = browser.post("/schedules/1/pause", headers=headers)

    assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")


def test_the_database_holds_no_cookie_and_lets_go_of_sessions_that_ended(
    browser: httpx.Client, clock: ManualClock, held_database: Database
) -> None:
    sign_in(browser)
    cookie = browser.cookies.pop(COOKIE)
    clock.advance(LIFETIME)
    sign_in(browser)

    with held_database.reading() as session:
        rows = session.execute(text("SELECT * FROM console_session")).all()
    assert len(rows) == 1
    assert cookie not in repr(rows)
    assert browser.cookies[COOKIE] not in repr(rows)


def test_signing_in_and_out_is_in_the_audit_trail(browser: httpx.Client, api: httpx.Client) -> None:
    headers = sign_in(browser, given_key(api, "alice", "viewer")["key"])
    browser.post("/sign-out", headers=headers)

    events = api.get("/audit", params={"subject_type": "session"}).json()["items"]
    assert [(event["actor"], event["action"]) for event in events] == [
        ("key:alice", "sign_out"),
        ("key:alice", "sign_in"),
    ]


def last_use(database: Database) -> str:
    with database.reading() as session:
        at = session.execute(text("SELECT max(last_used_at) FROM console_session")).scalar_one()
    return str(at)[11:19]
