"""What holds on every route of the console, found by asking the application which there are."""

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from scheduler_service.api.auth import role_needed
from scheduler_service.console.failures import is_for_programs
from scheduler_service.console.site import create_site
from scheduler_service.services.roles import ROLES
from scheduler_service.storage.session import Database
from tests.api.serving import Server
from tests.console.conftest import key_of
from tests.console.pages import Browser, read
from tests.console.scene import given_day
from tests.support.clock import ManualClock

#: Whoever is not signed in may come here.
OPEN = {"/sign-in", "/docs", "/sign-in/oidc", "/sign-in/oidc/callback"}
UUID = "01890a5d-ac96-774b-bcce-b302099a8057"
POLICY = {
    "default-src": "'none'", "style-src": "'self'", "script-src": "'self'", "img-src": "'self'",
    "connect-src": "'self'", "frame-src": "'self'", "form-action": "'self'", "base-uri": "'none'",
    "frame-ancestors": "'none'",
}  # fmt: skip


def routes(server: Server, method: str) -> Iterator[tuple[str, APIRoute]]:
    """Each route of the console with that method: a path that leads to it, and the route."""
    for context in iter_route_contexts(server.app.routes):  # type: ignore[union-attr]
        path, methods, route = context.path, context.methods or set(), context.original_route
        if path is None or method not in methods or is_for_programs(path) or path in OPEN:
            continue
        assert isinstance(route, APIRoute)
        yield _filled(path), route


def _filled(path: str) -> str:
    return re.sub(r"\{(\w+)(?::(\w+))?\}", lambda match: _value(match[1], match[2]), path)


def _value(name: str, kind: str | None) -> str:
    is_uuid = kind == "uuid" or name in ("run_id", "artifact_id")
    return UUID if is_uuid else "name" if name == "name" else "1"


def test_there_are_routes_to_look_at(site: Server) -> None:
    assert {"/", "/preferences"} <= {path for path, _ in routes(site, "GET")}
    assert {"/sign-out", "/preferences"} <= {path for path, _ in routes(site, "POST")}


def test_a_visitor_is_sent_to_the_door_from_everywhere(site: Server, visitor: Browser) -> None:
    answers = {path: visitor.http.get(path) for path, _ in routes(site, "GET")}

    wrong = {path: answer.status_code for path, answer in answers.items() if not _to_the_door(answer)}
    assert wrong == {}


def test_a_visitor_changes_nothing(site: Server, visitor: Browser) -> None:
    origin = {"Origin": visitor.origin}

    answers = {path: visitor.http.post(path, headers=origin) for path, _ in routes(site, "POST")}

    assert {path: answer.status_code for path, answer in answers.items() if not _to_the_door(answer)} == {}


@pytest.mark.parametrize(
    ("token", "origin"),
    [
        pytest.param(None, None, id="no token"),
        pytest.param("0" * 64, None, id="another token"),
        pytest.param("own", "https://evil.example", id="another site's page"),
        pytest.param("own", "", id="no origin"),
    ],
)
def test_nothing_is_done_that_a_page_of_ours_did_not_ask_for(
    site: Server, admin: Browser, token: str | None, origin: str | None
) -> None:
    fields = {"csrf_token": admin.token() if token == "own" else token} if token else {}
    headers = {"Origin": admin.origin if origin is None else origin} if origin != "" else {}

    answers = {path: admin.http.post(path, data=fields, headers=headers) for path, _ in routes(site, "POST")}

    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 403} == {}


def test_each_role_is_refused_what_takes_a_higher_one(
    site: Server, held_database: Database, clock: ManualClock
) -> None:
    wrong = {}
    for role in ROLES[:2]:
        with Browser(site.url) as browser:
            browser.signed_in(key_of(held_database, clock, role))
            for path, route in routes(site, "POST"):
                needed = role_needed(route, "POST")
                answer = browser.post(path) if needed != "viewer" else None
                if answer is None or (ROLES.index(needed) <= ROLES.index(role)):
                    continue
                if answer.status_code != 403 or needed not in read(answer.text).text:
                    wrong[path] = (role, answer.status_code)

    assert wrong == {}


def test_every_page_says_what_a_browser_may_do(site: Server, admin: Browser, held_database: Database) -> None:
    given_day(held_database)
    wrong = {}
    for path, _ in routes(site, "GET"):
        answer = admin.http.get(path)
        if answer.status_code >= 500:
            wrong[path] = [str(answer.status_code)]
        elif "text/html" in answer.headers.get("content-type", ""):
            wrong |= {path: found} if (found := _against_the_rules(answer)) else {}

    assert wrong == {}


def test_an_unknown_page_says_so(admin: Browser) -> None:
    page = admin.read("/nothing/here", status=404)

    assert page.one("h1").text == "Page not found"
    assert admin.last is not None
    assert _against_the_rules(admin.last) == []


def test_the_api_goes_on_answering_programs_with_problems(visitor: Browser) -> None:
    answer = visitor.http.get("/api/v1/schedules")

    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


def test_with_the_database_away_a_page_says_so_and_when_it_is_back(
    site: Server, admin: Browser, tmp_path: object
) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    site.app = create_site(away, admin_key="another key that is long", warehouse=None)

    page = admin.read("/", status=503)

    assert page.one("h1").text == "Not available right now"
    assert admin.last is not None
    assert admin.last.headers["retry-after"] == "2"
    away.close()


def test_files_are_kept_by_browsers_for_as_long_as_they_are_the_same(visitor: Browser) -> None:
    page = visitor.read("/sign-in")
    sheet = page.one("link", rel="stylesheet")["href"]

    answer = visitor.http.get(sheet)

    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" not in visitor.http.get("/static/console.css?v=old").headers["cache-control"]
    assert visitor.http.get("/static/../pages.py").status_code == 404
    assert visitor.http.get("/static/..%2fpages.py").status_code == 404


def test_the_first_load_is_small(admin: Browser, held_database: Database) -> None:
    given_day(held_database)
    page = admin.read("/")
    files = [node["href"] for node in page.all("link")] + [node["src"] for node in page.all("script")]
    raw = [admin.http.get(path, headers={"Accept-Encoding": "gzip"}) for path in [*files, "/static/marks.svg"]]

    sizes = [int(answer.headers["content-length"]) for answer in raw]

    assert admin.last is not None
    assert sum(sizes) + len(admin.last.content) < 150_000


def _to_the_door(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


def _against_the_rules(answer: httpx.Response) -> list[str]:
    """What of a page a strict browser would complain about, and what it should have been told and was not."""
    page = read(answer.text)
    found = [node.tag for node in page.all() if "style" in node.attrs or node.tag == "style"]
    found += [f"script: {node.attrs}" for node in page.all("script") if "src" not in node.attrs]
    found += [name for node in page.all() for name in node.attrs if name.startswith("on") and name != "on"]
    found += [node["href"] for node in page.all("a") if node.attrs.get("href", "").startswith(("javascript:", "//"))]
    said = dict(part.strip().split(" ", 1) for part in answer.headers.get("content-security-policy", "").split(";"))
    found += [] if said == POLICY else [f"policy: {said}"]
    told = {name: answer.headers.get(name) for name in ("x-content-type-options", "referrer-policy", "cache-control")}
    wanted = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin", "cache-control": "no-store"}
    return found + ([] if told == wanted else [str(told)])
