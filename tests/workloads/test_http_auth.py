"""How a named connection shows who we are, and how fast it may be asked."""

import base64
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest

from scheduler_service.errors import ConnectionUnfit, RequestRefused
from scheduler_service.workloads.connections import HttpConnection, SqlConnection
from tests.workloads.collects import Place
from tests.workloads.web import Answer, Asked, Web

SECRET = "s3cr3t/+ &"
ONE_TRY = {"attempts": 1}


def crm(place: Place, url: str, **more: Any) -> None:
    """Let `crm` be a connection to there."""
    connection = HttpConnection.model_validate({"url": url, **more})
    place.site = replace(place.site, connections={"crm": connection}, outbound_allow=[])


def things(path: str = "things", **more: Any) -> dict[str, Any]:
    return {"type": "http", "connection": "crm", "path": path, "retry": ONE_TRY, **more}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "bearer", "token": SECRET}, "authorization", f"Bearer {SECRET}"),
        ({"type": "basic", "user": "me", "password": SECRET}, "authorization", basic("me", SECRET)),
        ({"type": "key", "key": SECRET}, "x-api-key", SECRET),
        ({"type": "key", "key": SECRET, "name": "X-Shop-Key"}, "x-shop-key", SECRET),
    ],
)
def test_a_header_says_who_we_are(place: Place, web: Web, auth: Any, header: str, value: str) -> None:
    web.answer("/things", Answer([{"id": 1}]))
    crm(place, web.url, auth=auth)

    place.collect(things())

    assert web.asked[0].headers[header] == value


def test_a_key_may_be_a_parameter_on_every_page_and_nowhere_else(place: Place, web: Web, elsewhere: Web) -> None:
    web.answer("/things", Answer({"items": [{"id": 1}], "next": "/more?page=2"}))
    web.answer("/more", Answer({"items": [{"id": 2}], "next": f"{elsewhere.url}/last"}))
    elsewhere.answer("/last", Answer({"items": [{"id": 3}]}))
    crm(place, web.url, auth={"type": "key", "key": SECRET, "name": "api_key", "placed": "query"})
    place.allow(elsewhere.place)

    place.collect(things(records="$.items", paging={"type": "next_url", "next": "$.next"}))

    assert [asked.params for asked in web.asked] == [{"api_key": SECRET}, {"page": "2", "api_key": SECRET}]
    assert elsewhere.asked[0].params == {}
    assert place.column("id") == [1, 2, 3]


def test_a_secret_that_a_source_repeats_is_not_told(place: Place, web: Web) -> None:
    web.answer("/things", Answer({"bad key": SECRET, "header": basic("me", SECRET)}, 403))
    crm(place, web.url, auth={"type": "basic", "user": "me", "password": SECRET})

    with pytest.raises(RequestRefused) as caught:
        place.collect(things())

    assert SECRET not in str(caught.value)
    assert basic("me", SECRET).split()[1] not in str(caught.value)


class TokenPlace:
    """Gives tokens t1, t2, …; `/things` takes those that are not refused."""

    def __init__(self, web: Web, *, expires_in: Any = 3600) -> None:
        self.web, self.given, self.refused, self.expires_in = web, 0, set[str](), expires_in
        web.serve("/token", self.token)
        web.serve("/things", self.things)

    def token(self, asked: Asked) -> Answer:
        self.given += 1
        return Answer({"access_token": f"t{self.given}", "expires_in": self.expires_in})

    def things(self, asked: Asked) -> Answer:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.refused or not token.startswith("t"):
            return Answer({"error": "who are you?"}, 401)
        page = int(asked.params.get("page", 1))
        return Answer([{"id": page, "token": token}] if page <= 2 else [])


def oauth(place: Place, web: Web, **more: Any) -> None:
    auth = {"type": "oauth2", "token_url": f"{web.url}/token", "client_id": "us", "client_secret": SECRET, **more}
    crm(place, web.url, auth=auth)


PAGED = {"type": "page"}


@pytest.mark.parametrize("placed", ["basic", "body"])
def test_a_token_is_fetched_once_and_shown(place: Place, web: Web, placed: str) -> None:
    tokens = TokenPlace(web)
    oauth(place, web, placed=placed, scope="read all")

    place.collect(things(paging=PAGED))

    form = {name: values[0] for name, values in parse_qs(web.asked[0].body.decode()).items()}
    assert (tokens.given, form["grant_type"], form["scope"]) == (1, "client_credentials", "read all")
    if placed == "basic":
        assert web.asked[0].headers["authorization"] == basic("us", "s3cr3t%2F%2B%20%26")
    else:
        assert (form["client_id"], form["client_secret"]) == ("us", SECRET)
    assert place.column("token") == ["t1", "t1"]


def test_a_token_is_fetched_anew_a_minute_before_it_expires(place: Place, web: Web) -> None:
    TokenPlace(web, expires_in=60)
    oauth(place, web)

    place.collect(things(paging=PAGED))

    assert place.column("token") == ["t1", "t2"]


def test_a_token_that_is_refused_is_fetched_anew_once(place: Place, web: Web) -> None:
    tokens = TokenPlace(web)
    tokens.refused = {"t1"}
    oauth(place, web)

    place.collect(things(paging=PAGED))
    assert place.column("token") == ["t2", "t2"]

    tokens.refused = {f"t{number}" for number in range(10)}
    with pytest.raises(RequestRefused, match="answered 401"):
        place.collect(things(paging=PAGED))
    assert tokens.given == 4


def test_a_place_of_tokens_that_gives_none_is_told_without_the_secret(place: Place, web: Web) -> None:
    oauth(place, web)
    web.answer("/token", Answer({"error": f"no such client {SECRET}"}, 400), Answer({"token": "t"}))

    with pytest.raises(RequestRefused, match="/token answered 400") as caught:
        place.collect(things())
    assert SECRET not in str(caught.value)
    with pytest.raises(RequestRefused, match="no access_token"):
        place.collect(things())


def test_a_form_with_a_secret_does_not_follow_a_redirect(place: Place, web: Web, elsewhere: Web) -> None:
    oauth(place, web)
    place.allow(elsewhere.place)
    web.answer("/token", Answer(None, 307, {"Location": f"{elsewhere.url}/token"}))

    with pytest.raises(RequestRefused, match="answered 307"):
        place.collect(things())

    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("connection", "source", "pause"),
    [
        pytest.param({}, {"requests_per_second": 10}, 0.1, id="of the task"),
        pytest.param({"requests_per_second": 4}, {}, 0.25, id="of the connection"),
        pytest.param({"requests_per_second": 4}, {"requests_per_second": 10}, 0.25, id="the slower of both"),
    ],
)
def test_a_source_is_asked_at_its_pace(place: Place, web: Web, connection: Any, source: Any, pause: float) -> None:
    pages: dict[str, Any] = {"1": [{"id": 1}], "2": [{"id": 2}]}
    web.serve("/things", lambda asked: Answer(pages.get(asked.params["page"], [])))
    crm(place, web.url, **connection)

    place.collect(things(paging=PAGED, **source))

    assert pause < sum(place.slept) <= 3 * pause  # the clock goes on, while the waits are only written down


def test_a_connection_of_another_kind_is_refused(place: Place) -> None:
    shop = SqlConnection.model_validate({"type": "sql", "url": "sqlite:///shop.db"})
    place.site = replace(place.site, connections={"crm": shop})

    with pytest.raises(ConnectionUnfit, match="of the kind sql; this needs one of the kind http"):
        place.collect(things())
