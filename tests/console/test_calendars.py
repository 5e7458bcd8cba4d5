"""Calendars on pages: a year drawn, the form, and what becomes of it when two people save."""

from typing import Any

import pytest

from scheduler_service.services.calendars import calendars
from scheduler_service.storage.session import Database
from tests.console.pages import Browser, Node, read
from tests.support.rows import given_calendar, given_schedule, sql

CHINA = {"weekly": ["sat", "sun"], "holidays": {"country": "CN"}, "dates": ["2026-12-24"]}


def calendar_of(database: Database, calendar_id: int) -> Any:
    with database.reading() as session:
        return calendars.get(session, calendar_id).definition


def title_of(page: Node, beginning: str) -> Node:
    """The day of the drawing whose title begins so."""
    (found,) = [group for group in page.all("g") if group.one("title").text.startswith(beginning)]
    return found


def test_a_year_is_drawn_with_the_reason_for_each_day(viewer: Browser, held_database: Database) -> None:
    calendar = given_calendar(held_database, name="China", **CHINA)

    page = viewer.read(f"/system/calendars/{calendar}?on=2026")

    assert len(page.one("figure", cls="year").all("g")) == 365
    assert title_of(page, "Thu 1 Jan").one("rect").classes == ["q4"]
    assert title_of(page, "Sun 4 Jan").text.startswith("Sun 4 Jan: worked, to make up for a bridge day")
    assert title_of(page, "Sun 4 Jan").one("rect").classes == ["q0", "made-up"]
    assert title_of(page, "Sat 10 Jan").one("rect").classes == ["q2"]
    assert title_of(page, "Thu 24 Dec").one("rect").classes == ["q5"]
    assert "Thu 1 Oct National Day" in page.one("ul", cls="named").texts("li")
    chinese = viewer.read(f"/system/calendars/{calendar}?on=2026", language="zh")
    assert "国庆节" in chinese.one("ul", cls="named").text


def test_who_uses_it_is_said_and_it_cannot_be_deleted_meanwhile(admin: Browser, held_database: Database) -> None:
    calendar = given_calendar(held_database, name="China", **CHINA)
    given_schedule(held_database, name="orders", every=60, calendar_id=calendar)

    page = admin.read(f"/system/calendars/{calendar}")

    assert page.one("section", aria_labelledby="h-uses").rows() == [["orders", "leaves its days out"]]
    assert not page.has("form", action=f"/system/calendars/{calendar}/delete")
    assert admin.post(f"/system/calendars/{calendar}/delete").status_code == 409
    said = "Sa, Su · public holidays of CN · 1 entry written down"
    assert admin.read("/system/calendars").rows()[0][:3] == ["China", said, "1"]


def test_one_that_nobody_uses_is_deleted(admin: Browser, held_database: Database) -> None:
    calendar = given_calendar(held_database, name="China", **CHINA)

    page = admin.send(
        admin.read(f"/system/calendars/{calendar}").one("form", action=f"/system/calendars/{calendar}/delete")
    )

    assert page.one("div", cls="empty").one("h2").text == "There is no calendar yet"
    toast = page.one("div", cls="toast")
    assert toast.text.startswith("Deleted China.")
    assert admin.send(toast.one("form")).one("h1").text == "China"
    assert calendar_of(held_database, calendar + 1) == {
        "dates": ["2026-12-24"], "weekly": ["sat", "sun"],
        "holidays": {"country": "CN", "subdivision": None, "workdays": True},
    }  # fmt: skip


def test_a_calendar_is_made_by_the_form(admin: Browser) -> None:
    form = admin.read("/system/calendars/new").one("form", action="/system/calendars")

    page = admin.send(
        form,
        name="company",
        weekly=["sun"],
        country="de",
        subdivision="BE",
        days="2026-12-24\n2026-08-03 .. 2026-08-14",
    )

    assert page.one("h1").text == "company"
    assert page.one("div", cls="toast").text == "Created company."
    assert admin.last is not None
    edited = admin.read(str(admin.last.url.path) + "/edit").one("textarea", id="days")
    assert edited.value == "2026-08-03 .. 2026-08-14\n2026-12-24"


def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(admin: Browser) -> None:
    form = admin.read("/system/calendars/new").one("form", action="/system/calendars")
    typed = "2026-12-24\n\n2026-02-30\n2026-08-14 .. 2026-08-03"

    page = admin.send(form, name="company", country="ZZ", days=typed, status=422)

    days = page.one("textarea", id="days")
    assert days.value == typed
    said = page.one("p", id="days-error").text
    assert said.startswith("3: '2026-02-30' is no date")
    assert "4: " in said
    assert "is no country" in page.one("p", id="country-error").text
    assert page.one("input", id="country")["value"] == "ZZ"


def test_the_year_is_shown_before_anything_is_saved(admin: Browser) -> None:
    fields: dict[str, str | list[str]] = {"name": "", "weekly": ["sun"], "days": "2026-12-24", "year": "2026"}

    part = read(admin.post("/system/calendars/preview", fields, **{"HX-Request": "true"}).text)
    whole = read(admin.post("/system/calendars/preview", fields).text)

    assert part.one("section", id="preview").one("p").text == "53 days are named."
    assert whole.one("textarea", id="days").value == "2026-12-24"
    assert whole.one("section", id="preview").one("p").text == "53 days are named."
    broken = read(admin.post("/system/calendars/preview", fields | {"days": "soon"}, **{"HX-Request": "true"}).text)
    assert "1: 'soon' is no date" in broken.text
    assert admin.read("/system/calendars").has("div", cls="empty")


def test_two_people_at_once_lose_nothing_and_choose_field_by_field(admin: Browser, held_database: Database) -> None:
    calendar = given_calendar(held_database, name="China", **CHINA)
    place = f"/system/calendars/{calendar}"
    mine = admin.read(f"{place}/edit").one("form", action=place)
    admin.send(admin.read(f"{place}/edit").one("form", action=place), description="theirs", days="", weekly=["sun"])

    typed: dict[str, str | list[str]] = {"weekly": ["sat", "sun"], "country": "DE", "days": "2026-12-31"}
    page = admin.send(mine, description="mine", status=412, **typed)

    assert page.one("h2", id="h-conflict").text.startswith("admin saved revision 2 while you were editing")
    assert {row[0]: row[1:] for row in page.one("table", cls="versions").rows()} == {
        "Description": ["–", "theirs", "mine"],
        "Dates": ["2026-12-24", "–", "2026-12-31"],
        "Days of the week": ["Sa, Su", "Su taken", "not changed"],
        "Public holidays of": ["CN", "not changed", "DE kept"],
    }
    chosen: dict[str, str | list[str]] = {"keep.description": "theirs", "keep.days": "mine", "weekly": ["sun"]}
    saved = admin.send(page.one("form", action=place), **chosen)
    assert "theirs" in saved.one("p", cls="lede").text
    assert calendar_of(held_database, calendar) == {
        "dates": ["2026-12-31"], "weekly": ["sun"],
        "holidays": {"country": "DE", "subdivision": None, "workdays": True},
    }  # fmt: skip


def test_one_that_was_written_past_us_is_told_as_broken(viewer: Browser, held_database: Database) -> None:
    calendar = given_calendar(held_database, name="odd", weekly=["someday"], dates="<b>")

    page = viewer.read(f"/system/calendars/{calendar}")

    assert "It cannot be read" in page.one("div", role="alert").text
    assert not page.has("figure", cls="year")
    assert viewer.read("/system/calendars").rows()[0][0] == "odd"


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_admins_change_calendars(role: str, request: pytest.FixtureRequest, held_database: Database) -> None:
    reader: Browser = request.getfixturevalue(role)
    calendar = given_calendar(held_database, name="China", **CHINA)

    page = reader.read(f"/system/calendars/{calendar}")

    assert not page.has("a", href=f"/system/calendars/{calendar}/edit")
    reader.read(f"/system/calendars/{calendar}/edit", status=403)
    assert reader.post(f"/system/calendars/{calendar}", {"name": "x", "revision": "1"}).status_code == 403
    assert reader.post(f"/system/calendars/{calendar}/delete").status_code == 403
    sql(held_database, "DELETE FROM calendar")
    assert not reader.read("/system/calendars").one("div", cls="empty").has("a")
