"""The door: a key opens it, the reader goes on to where they wanted, and nowhere else."""

from datetime import timedelta

import pytest

from tests.api.serving import KEY
from tests.console.pages import Browser, read
from tests.support.clock import ManualClock


def test_a_visitor_is_asked_for_a_key_and_then_goes_where_they_wanted(visitor: Browser) -> None:
    page = visitor.read("/preferences?a=1")
    assert str(visitor.last.url).endswith("/sign-in?next=%2Fpreferences%3Fa%3D1")  # type: ignore[union-attr]

    visitor.send(page.one("form", action="/sign-in"), key=KEY)

    assert str(visitor.last.url).endswith("/preferences?a=1")  # type: ignore[union-attr]


def test_a_wrong_key_is_told_beside_the_field_and_not_told_back(visitor: Browser) -> None:
    page = visitor.send(visitor.read("/sign-in").one("form", action="/sign-in"), key="no-such-key", status=401)

    assert page.one("p", cls="error").text == "This key is not known, or not any more."
    assert page.one("input", id="key")["aria-describedby"].split()[0] == "key-error"
    assert "no-such-key" not in visitor.last.text  # type: ignore[union-attr]
    assert "set-cookie" not in visitor.last.headers  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "to", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/e"]
)
def test_nobody_is_sent_to_another_site(visitor: Browser, to: str) -> None:
    answer = visitor.http.post("/sign-in", data={"key": KEY, "next": to}, headers={"Origin": visitor.origin})

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_page_of_another_site_signs_nobody_in(visitor: Browser) -> None:
    answer = visitor.http.post("/sign-in", data={"key": KEY}, headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_signing_out_ends_the_session(admin: Browser) -> None:
    cookies = dict(admin.http.cookies)
    page = admin.send(admin.read("/preferences").one("form", action="/sign-out"))

    assert page.one("h1").text == "Sign in"
    admin.http.cookies.update(cookies)
    assert admin.http.get("/preferences").status_code == 303


def test_a_session_that_ended_leads_back_to_the_page_of_the_form(admin: Browser, clock: ManualClock) -> None:
    form = admin.read("/preferences").one("main").one("form", action="/preferences")
    clock.advance(timedelta(days=8))

    answer = admin.http.post(
        form["action"],
        data=form.fields(),
        headers={"Origin": admin.origin, "Referer": f"{admin.origin}/preferences?a=1"},
    )

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fpreferences%3Fa%3D1")


def test_a_part_of_a_page_leads_the_whole_page_to_the_door(visitor: Browser) -> None:
    here = {"HX-Request": "true", "HX-Current-URL": f"{visitor.origin}/runs?state=failed"}

    answer = visitor.http.get("/overview/now", headers=here)

    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in?next=%2Fruns%3Fstate%3Dfailed")


def test_another_session_begins_with_another_cookie(admin: Browser) -> None:
    before = admin.http.cookies["scheduler_session"]

    admin.signed_in(KEY)

    assert admin.http.cookies["scheduler_session"] != before
    admin.http.cookies.set("scheduler_session", before)
    assert admin.http.get("/preferences").status_code == 303


def test_who_guesses_keys_is_told_to_wait(visitor: Browser) -> None:
    answers = [
        visitor.http.post("/sign-in", data={"key": f"guess {n}"}, headers={"Origin": visitor.origin}) for n in range(31)
    ]

    assert [answer.status_code for answer in answers] == [401] * 30 + [429]
    assert "Too many keys" in read(answers[-1].text).one("p", cls="error").text
