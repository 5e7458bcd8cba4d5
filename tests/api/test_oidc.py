"""Sign-in with an OpenID Connect provider, which is a process of its own here."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import pytest

from scheduler_service.api.access import Access
from scheduler_service.api.app import create_api
from scheduler_service.services.oidc import Provider
from scheduler_service.services.roles import Role
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import problem
from tests.api.serving import KEY, Server
from tests.support import oidc_provider
from tests.support.clock import ManualClock
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET
from tests.support.ports import free_port

ROLES: dict[str, Role] = {"ops": "operator", "platform": "admin"}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with oidc_provider.running(tmp_path_factory.mktemp("oidc") / "provider.log") as url:
        yield url


class Person:
    """Somebody at a browser, who walks through the pages and whom the provider knows."""

    def __init__(self, server: Server, issuer: str, clock: ManualClock) -> None:
        self._server, self._issuer, self._clock = server, issuer, clock
        self.browser = server.client(key=None)
        self.site = server.url

    def is_(self, *, lie: str = "", **claims: Any) -> None:
        """What the provider says of them; None leaves a claim out."""
        now = int(self._clock.now().timestamp())
        known = {"sub": "4711", "email": "alice@example.org", "roles": ["ops"], "iat": now, "exp": now + 300}
        httpx.post(f"{self._issuer}/be", json={"claims": known | claims, "lie": lie})

    def begins(self) -> str:
        """Go to the provider and sign in there; where it sends the browser back to."""
        page = self.browser.get(f"{self._server.url}/sign-in/oidc")
        assert page.status_code == 303, page.text
        return httpx.get(page.headers["location"]).headers["location"]

    def signs_in(self) -> httpx.Response:
        return self.browser.get(self.begins())


@pytest.fixture
def database(sqlite_url: str, clock: ManualClock) -> Iterator[Database]:
    """SQLite alone: no database has a part in this."""
    opened = Database(sqlite_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def person(
    server: Server, database: Database, warehouse: Warehouse, issuer: str, clock: ManualClock
) -> Iterator[Person]:
    provider = Provider(issuer, CLIENT_ID, CLIENT_SECRET, ROLES)
    server.app = create_api(database, admin_key=KEY, warehouse=warehouse, access=Access(provider=provider))
    somebody = Person(server, issuer, clock)
    yield somebody
    somebody.browser.close()


def test_who_the_provider_knows_gets_a_session(person: Person, server: Server) -> None:
    person.is_()
    answer = person.signs_in()

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "scheduler_sign_in" not in person.browser.cookies
    me = person.browser.get("/me").json()
    assert (me["actor"], me["role"]) == ("user:alice@example.org", "operator")
    with server.client() as admin:
        assert [event["actor"] for event in admin.get("/audit").json()["items"]] == ["user:alice@example.org"]


@pytest.mark.parametrize(
    ("wanted", "to"),
    [("/runs?state=failed&q=é", "/runs?state=failed&q=é"), ("https://evil.example", "/"), ("//evil.example", "/")],
)
def test_who_signs_in_goes_on_to_where_they_wanted_and_nowhere_else(person: Person, wanted: str, to: str) -> None:
    person.is_()
    page = person.browser.get(f"{person.site}/sign-in/oidc", params={"next": wanted})

    answer = person.browser.get(httpx.get(page.headers["location"]).headers["location"])

    assert answer.status_code == 303
    assert unquote(answer.headers["location"]) == to
    assert not {"scheduler_sign_in", "scheduler_sign_in_next"} & person.browser.cookies.keys()


def test_what_goes_to_the_provider_tells_it_only_what_it_needs(person: Person, server: Server) -> None:
    page = person.browser.get(f"{server.url}/sign-in/oidc")

    asked = dict(parse_qsl(urlsplit(page.headers["location"]).query))
    cookie = page.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/sign-in/oidc", "Max-Age=600"} <= set(cookie.split("; "))
    assert asked["redirect_uri"] == f"{server.url}/sign-in/oidc/callback"
    assert (
        len({asked["state"], asked["nonce"], asked["code_challenge"], person.browser.cookies["scheduler_sign_in"]}) == 4
    )
    assert CLIENT_SECRET not in page.headers["location"]


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"roles": ["ops"]}, "operator"),
        ({"roles": ["ops", "platform", "other"]}, "admin"),
        ({"roles": "ops"}, "operator"),
        ({"roles": ["other"]}, None),
        ({"roles": None}, None),
        ({"roles": {"ops": True}}, None),
        ({"roles": [["ops"]]}, None),
    ],
    ids=str,
)
def test_the_claim_decides_the_role(person: Person, claims: dict[str, Any], role: Role | None) -> None:
    person.is_(**claims)
    answer = person.signs_in()

    if role is None:
        assert (answer.status_code, problem(answer)["code"]) == (403, "no_role")
        assert "set-cookie" not in answer.headers
    else:
        assert person.browser.get("/me").json()["role"] == role


def test_a_claim_may_lie_inside_another_and_anybody_may_have_a_role(
    server: Server, database: Database, warehouse: Warehouse, issuer: str, clock: ManualClock
) -> None:
    roles: dict[str, Role] = {"*": "viewer", "platform": "admin"}
    provider = Provider(issuer, CLIENT_ID, CLIENT_SECRET, roles, role_claim="realm_access.roles")
    server.app = create_api(database, admin_key=KEY, warehouse=warehouse, access=Access(provider=provider))
    found = []
    for claims in ({"realm_access": {"roles": ["platform"]}}, {"realm_access": "odd"}):
        somebody = Person(server, issuer, clock)
        somebody.is_(**claims)
        somebody.signs_in()
        found.append(somebody.browser.get("/me").json()["role"])
        somebody.browser.close()

    assert found == ["admin", "viewer"]


@pytest.mark.parametrize(
    ("claims", "actor"),
    [
        ({}, "user:alice@example.org"),
        ({"email_verified": True}, "user:alice@example.org"),
        ({"email_verified": False}, "user:4711"),
        ({"email": None}, "user:4711"),
        ({"email": "a\u0000b\nc"}, "user:abc"),
    ],
    ids=str,
)
def test_the_audit_trail_has_a_name_that_is_theirs(person: Person, claims: dict[str, Any], actor: str) -> None:
    person.is_(**claims)
    person.signs_in()

    assert person.browser.get("/me").json()["actor"] == actor


@pytest.mark.parametrize(
    "told",
    [
        {"lie": "stranger"},
        {"lie": "unsigned"},
        {"lie": "public key as a secret"},
        {"lie": "denied"},
        {"lie": "another issuer"},
        {"iss": "https://other.example"},
        {"aud": "another client"},
        {"aud": ["another client", "third"]},
        {"aud": [CLIENT_ID, "another client"]},
        {"azp": "another client"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": None},
        {"exp": 1},
        {"iat": 4_000_000_000},
        {"sub": None},
    ],
    ids=str,
)
def test_what_the_provider_did_not_say_to_us_now_lets_nobody_in(person: Person, told: dict[str, Any]) -> None:
    person.is_(**told)
    answer = person.signs_in()

    assert (answer.status_code, problem(answer)["code"]) == (401, "sign_in_failed")
    assert "set-cookie" not in answer.headers
    assert person.browser.get("/me").status_code == 401


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(person: Person, server: Server) -> None:
    person.is_()
    back = person.begins()
    with server.client(key=None) as another:
        elsewhere = another.get(back)
        another.get(f"{server.url}/sign-in/oidc")
        with_its_own_attempt = another.get(back)
    first, again = person.browser.get(back), person.browser.get(back)

    refused = [elsewhere, with_its_own_attempt, again]
    assert {(answer.status_code, problem(answer)["code"]) for answer in refused} == {(401, "sign_in_failed")}
    assert first.status_code == 303


def test_a_code_that_was_used_already_is_refused_by_the_provider(person: Person) -> None:
    person.is_()
    back = person.begins()
    attempt = person.browser.cookies["scheduler_sign_in"]
    person.browser.get(back)
    again = person.browser.get(back, headers={"Cookie": f"scheduler_sign_in={attempt}"})

    assert (again.status_code, problem(again)["code"]) == (401, "sign_in_failed")


def test_a_provider_may_change_its_key(person: Person) -> None:
    person.is_()
    before = person.signs_in().status_code
    person.is_(lie="new key")

    assert (before, person.signs_in().status_code) == (303, 303)


def test_a_session_of_a_person_outlives_the_token(person: Person, clock: ManualClock) -> None:
    person.is_()
    person.signs_in()
    clock.advance(timedelta(hours=11))

    assert person.browser.get("/me").status_code == 200


def test_a_provider_that_is_broken_or_away_is_said_to_be(
    person: Person, server: Server, database: Database, warehouse: Warehouse
) -> None:
    person.is_(lie="broken")
    broken = person.signs_in()
    provider = Provider(f"http://127.0.0.1:{free_port()}", CLIENT_ID, CLIENT_SECRET, ROLES)
    server.app = create_api(database, admin_key=KEY, warehouse=warehouse, access=Access(provider=provider))
    away = person.browser.get(f"{server.url}/sign-in/oidc")

    for answer in (broken, away):
        assert (answer.status_code, problem(answer)["code"]) == (503, "provider_away")
        assert answer.headers["retry-after"]
        assert CLIENT_SECRET not in answer.text


def test_without_a_provider_there_is_no_such_page(sqlite_api: httpx.Client, server: Server) -> None:
    assert sqlite_api.get(f"{server.url}/sign-in/oidc").status_code == 404
