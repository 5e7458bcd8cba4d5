"""Work: collect tasks, pipelines and reports as people read, write, run and delete them."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from scheduler_service.console.kinds import KINDS, Place
from scheduler_service.services import documents
from scheduler_service.storage.models import PeriodicTask, TaskRun
from scheduler_service.storage.session import Database
from tests.console.pages import Browser, read
from tests.support.rows import given_schedule, runs, sql

HOSTILE = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
INSTANTS = ("occurrence_at", "decided_at", "started_at", "finished_at")
DEFINITIONS: dict[Place, dict[str, Any]] = {
    "collect-tasks": {"dataset": "orders", "source": {"type": "http", "url": "https://shop.example/orders"}},
    "pipelines": {"steps": [{"name": "daily", "sql": "SELECT 1 AS n"}]},
    "reports": {"title": "Orders", "sections": [{"type": "text", "markdown": "All is well."}]},
}


def given(database: Database, place: Place, name: str = "one", definition: Any = None, **fields: Any) -> int:
    """One of a kind; its id."""
    kind = KINDS[place]
    written = {"name": name, "definition": definition or DEFINITIONS[place], **fields}
    with database.transaction() as session:
        row = kind.services.create(session, documents.read(kind.document, written), actor="test")
        return int(row.id)


def given_use(database: Database, place: Place, definition_id: int, name: str = "nightly", **fields: Any) -> int:
    """A schedule that runs it."""
    called = {"task": KINDS[place].called.task, "args": [definition_id]}
    return given_schedule(database, name=name, cron="0 2 * * *", **called | fields)


def given_run(database: Database, schedule_id: int, *, state: str = "succeeded", **fields: Any) -> UUID:
    """A run of that schedule, with its arguments."""
    with database.transaction() as session:
        schedule = session.get_one(PeriodicTask, schedule_id)
        run = TaskRun(
            id=uuid7(), periodic_task_id=schedule_id, schedule_name=schedule.name, kind="etl", task=schedule.task,
            args=schedule.args, kwargs={}, options={}, revision=1, state=state, decided_by="test", fire_at=AT,
            **{"origin": f"manual:{uuid7()}", **dict.fromkeys(INSTANTS, AT)} | fields,
        )  # fmt: skip
        session.add(run)
        session.flush()
        return run.id


@pytest.mark.parametrize("place", KINDS)
def test_an_empty_list_says_what_would_be_there(sqlite_admin: Browser, place: Place) -> None:
    page = sqlite_admin.read(f"/work/{place}")

    assert page.one("div", cls="empty").one("h2").text.startswith("No ")
    assert page.one("div", cls="empty").one("a")["href"] == f"/work/{place}/new"


@pytest.mark.parametrize("place", KINDS)
def test_one_is_created_edited_and_deleted_and_the_deletion_undone(
    admin: Browser, held_database: Database, place: Place
) -> None:
    form = admin.read(f"/work/{place}/new").one("form", method="post", cls="split")
    written = json.dumps(DEFINITIONS[place])
    made = admin.send(form, name="first", description="What it is for", definition=written)
    assert made.one("h1").text == "first"
    path = admin.last.url.path  # type: ignore[union-attr]

    edited = admin.send(admin.read(f"{path}/edit").one("form", cls="split"), name="second")
    assert (edited.one("h1").text, admin.last.url.path) == ("second", path)  # type: ignore[union-attr]
    assert "version 2" in edited.text

    gone = admin.send(edited.one("dialog", id="delete").one("form"))
    assert gone.has("div", cls="empty")
    back = admin.send(gone.one("div", cls="toast").one("form"))
    assert back.one("h1").text == "second"


@pytest.mark.parametrize("place", KINDS)
def test_a_list_tells_who_runs_each_and_how_it_went_last(
    viewer: Browser, held_database: Database, place: Place
) -> None:
    used, unused = given(held_database, place, "used"), given(held_database, place, "unused")
    nightly = given_use(held_database, place, used)
    given_run(held_database, nightly, decided_at=AT, state="failed")
    given_run(held_database, nightly, decided_at=AT.replace(hour=13), state="succeeded")
    given_use(held_database, place, unused, "other one", args=[used + unused + 100])

    rows = {row[0]: row for row in viewer.read(f"/work/{place}").rows()}

    assert rows["used"][2:4] == ["nightly", "succeeded"]
    assert rows["unused"][2:4] == ["no schedule", "never ran"]


def test_a_list_is_searched_and_paged_by_key(viewer: Browser, held_database: Database) -> None:
    for number in range(5):
        given(held_database, "pipelines", f"pipe {number}")

    first = viewer.read("/work/pipelines?limit=3")
    second = viewer.read(first.one("a", rel="next")["href"])
    found = viewer.read("/work/pipelines?q=PIPE+4")

    assert [row[0] for row in first.rows() + second.rows()] == [f"pipe {number}" for number in range(5)]
    assert not second.has("a", rel="next")
    assert ([row[0] for row in found.rows()], found.one("input", id="q").value) == (["pipe 4"], "PIPE 4")
    assert viewer.read("/work/pipelines?q=nothing").one("div", cls="empty").one("h2").text == "Nothing matches"


@pytest.mark.parametrize("place", KINDS)
def test_its_page_says_what_it_does_who_runs_it_and_its_last_runs(
    operator: Browser, held_database: Database, place: Place
) -> None:
    definition_id = given(held_database, place, description="For the shop")
    nightly = given_use(held_database, place, definition_id)
    run_id = given_run(held_database, nightly, result={"rows_written": 1204}, state="succeeded")

    page = operator.read(f"/work/{place}/{definition_id}")

    assert page.one("p", cls="lede").text == "For the shop"
    assert page.has("a", href=f"/schedules/{nightly}")
    assert page.has("a", href=f"/runs/{run_id}")
    assert page.one("div", data_live="runs")["hx-get"] == f"/work/{place}/{definition_id}/runs"
    assert operator.read(f"/work/{place}/{definition_id}/runs").rows()[0][1:3] == ["succeeded", "1,204 rows"]


def test_run_now_makes_a_run_of_the_schedule(operator: Browser, held_database: Database) -> None:
    definition_id = given(held_database, "pipelines")
    nightly = given_use(held_database, "pipelines", definition_id)
    page = operator.read(f"/work/pipelines/{definition_id}")

    after = operator.send(page.one("div", cls="actions").one("form"))

    assert [run.periodic_task_id for run in runs(held_database)] == [nightly]
    assert after.one("div", cls="toast").text == "nightly runs as soon as a worker is free."


def test_only_schedules_that_run_it_are_run(operator: Browser, held_database: Database) -> None:
    definition_id = given(held_database, "pipelines")
    other = given_use(held_database, "pipelines", definition_id + 1)

    answer = operator.post(f"/work/pipelines/{definition_id}/run", {"schedule_id": str(other)})

    assert (answer.status_code, runs(held_database)) == (404, [])


def test_without_a_schedule_there_is_a_way_to_make_one(operator: Browser, held_database: Database) -> None:
    definition_id = given(held_database, "reports")

    page = operator.read(f"/work/reports/{definition_id}")

    wanted = f"/schedules/new?task=report.generate_scheduled&args=%5B{definition_id}%5D"
    assert {link["href"] for link in page.all("a") if link.text == "Make a schedule for it"} == {wanted}


def test_one_that_a_schedule_runs_is_not_deleted(admin: Browser, held_database: Database) -> None:
    definition_id = given(held_database, "pipelines")
    given_use(held_database, "pipelines", definition_id)

    assert not admin.read(f"/work/pipelines/{definition_id}").has("dialog", id="delete")
    assert admin.post(f"/work/pipelines/{definition_id}/delete").status_code == 409
    admin.read(f"/work/pipelines/{definition_id}")


@pytest.mark.parametrize(
    ("place", "text", "place_told"),
    [
        ("collect-tasks", "dataset: orders\nsource:\n  type: http\n  url: not a url\n", ("line 4", "source.url")),
        ("pipelines", "steps:\n  - name: a\n    sql: DROP TABLE b\n", ("line 3", "steps.0.sql")),
        ("reports", "title: t\nsections:\n  - type: text\n    markdow: x\n", ("line 4", "sections.0.markdow")),
        ("pipelines", "steps: [\n", ("line 2", None)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_its_line_and_nothing_typed_is_lost(
    sqlite_admin: Browser, sqlite_site: Database, place: Place, text: str, place_told: tuple[str, str | None]
) -> None:
    form = sqlite_admin.read(f"/work/{place}/new").one("form", cls="split")
    status = 400 if place_told[1] is None else 422

    page = sqlite_admin.send(form, status=status, name="mine", description="why", definition=text)

    faults = [(fault.one("a").text, *fault.texts("code")) for fault in page.one("ol", cls="faults").all("li")]
    assert tuple(filter(None, place_told)) in faults
    kept = page.one("form", cls="split").fields()
    assert (kept["name"], kept["description"], kept["definition"]) == ("mine", "why", text)
    assert page.one("textarea", id="definition")["aria-invalid"] == "true"
    assert sqlite_admin.read(f"/work/{place}").has("div", cls="empty")


def test_a_name_that_is_taken_is_told_beside_the_name(sqlite_admin: Browser, sqlite_site: Database) -> None:
    given(sqlite_site, "reports", "weekly")
    form = sqlite_admin.read("/work/reports/new").one("form", cls="split")

    page = sqlite_admin.send(form, status=409, name="weekly", definition=json.dumps(DEFINITIONS["reports"]))

    assert page.one("p", id="name-error").text == "A report named 'weekly' exists already."


def test_when_somebody_saved_meanwhile_both_changes_are_shown_and_mine_is_kept(
    admin: Browser, held_database: Database
) -> None:
    definition_id = given(held_database, "pipelines")
    path = f"/work/pipelines/{definition_id}/edit"
    mine, theirs = (admin.read(path).one("form", cls="split") for _ in range(2))
    admin.send(theirs, definition="steps:\n- name: daily\n  sql: SELECT 2 AS n\n")

    page = admin.send(mine, status=412, definition="steps:\n- name: daily\n  sql: SELECT 3 AS n\n")

    assert page.one("h2", id="h-conflict").text.startswith("admin saved revision 2 while you were editing")
    they, me = (section.texts("span", cls="added") for section in page.one("div", cls="cols").all("section"))
    assert (they, me) == (["+ sql: SELECT 2 AS n"], ["+ sql: SELECT 3 AS n"])
    saved = admin.send(page.one("form", cls="split"))
    assert "version 3" in saved.text
    assert "SELECT 3" in admin.read(path).one("textarea", id="definition").value


def test_of_two_edits_each_keeps_its_own_and_what_collides_is_chosen(
    sqlite_admin: Browser, sqlite_site: Database
) -> None:
    definition_id = given(sqlite_site, "collect-tasks", description="old")
    path = f"/work/collect-tasks/{definition_id}/edit"
    mine, theirs = (sqlite_admin.read(path).one("form", cls="split") for _ in range(2))
    text: str = mine.fields()["definition"]
    sqlite_admin.send(theirs, definition=f"{text}mode: replace\n", description="theirs")
    typed = f"# why\n{text.replace('orders', 'orders_of_all', 1)}"

    page = sqlite_admin.send(mine, status=412, description="mine", definition=typed)

    assert {row[0]: row[1:] for row in page.one("table", cls="versions").rows()} == {
        "description": ["old", "theirs", "mine"],
        "dataset": ["orders", "not changed", "orders_of_all kept"],
        "mode": ["–", "replace taken", "not changed"],
    }
    sqlite_admin.send(page.one("form", cls="split"), **{"keep.description": "theirs"})
    saved = sqlite_admin.read(path).one("form", cls="split").fields()
    assert saved["description"] == "theirs"
    assert "orders_of_all" in saved["definition"]
    assert "mode: replace" in saved["definition"]


def test_the_text_is_looked_at_without_being_saved(sqlite_admin: Browser, sqlite_site: Database) -> None:
    form = sqlite_admin.read("/work/collect-tasks/new").one("form", cls="split")
    look: str = form["hx-post"]

    page = sqlite_admin.http.post(
        look, data=form.fields(), headers={"Origin": sqlite_admin.origin, "HX-Request": "true"}
    )

    assert page.status_code == 200
    assert "The JSON API at https://shop.example/api/orders; its records are at $.items." in read(page.text).text
    assert "<html" not in page.text
    assert sqlite_admin.read("/work/collect-tasks").has("div", cls="empty")


def test_a_copy_begins_as_the_other(sqlite_admin: Browser, sqlite_site: Database) -> None:
    definition_id = given(sqlite_site, "collect-tasks", description="of the shop")

    form = sqlite_admin.read(f"/work/collect-tasks/new?copy={definition_id}").one("form", cls="split")

    assert form.fields()["name"] == "one"
    assert "shop.example" in form.fields()["definition"]
    assert "revision" not in form.fields()


def test_one_written_past_us_has_a_page_that_says_so(viewer: Browser, held_database: Database) -> None:
    for place, table in (("collect-tasks", "collect_task"), ("pipelines", "etl_pipeline"), ("reports", "report")):
        sql(held_database, f"INSERT INTO {table} (id, name, definition) VALUES (7, 'odd', '{{\"steps\": 3}}')")

        page = viewer.read(f"/work/{place}/7")

        assert "was written past the service" in page.one("div", cls="note-bad").text
        assert viewer.read(f"/work/{place}").rows()[0][0] == "odd"


@pytest.mark.parametrize("place", KINDS)
def test_a_viewer_sees_no_buttons_and_is_refused(viewer: Browser, held_database: Database, place: Place) -> None:
    definition_id = given(held_database, place)
    nightly = given_use(held_database, place, definition_id)
    page = viewer.read(f"/work/{place}/{definition_id}")

    assert page.one("div", cls="actions").text == ""
    assert not page.one("main").has("button")
    for path in ("new", f"{definition_id}/edit"):
        viewer.read(f"/work/{place}/{path}", status=403)
    fields: dict[str, str | list[str]] = {"name": "x", "definition": json.dumps(DEFINITIONS[place])}
    fields |= {"schedule_id": str(nightly), "revision": "1"}
    for path in ("", "/check", f"/{definition_id}", f"/{definition_id}/delete", f"/{definition_id}/run"):
        assert viewer.post(f"/work/{place}{path}", fields).status_code == 403
    assert viewer.read(f"/work/{place}/{definition_id}").one("h1").text == "one"
    assert runs(held_database) == []


def test_a_form_of_another_site_changes_nothing(sqlite_admin: Browser, sqlite_site: Database) -> None:
    definition_id = given(sqlite_site, "reports")

    for path in (f"/work/reports/{definition_id}/delete", "/work/reports"):
        assert sqlite_admin.post(path, {"csrf_token": "no"}).status_code == 403
        assert sqlite_admin.post(path, Origin="https://evil.example").status_code == 403
    sqlite_admin.read(f"/work/reports/{definition_id}")


def test_every_string_is_text_and_no_page_has_style_or_script_of_its_own(
    sqlite_admin: Browser, sqlite_site: Database
) -> None:
    hostile: dict[Place, dict[str, Any]] = {
        "collect-tasks": {"dataset": "orders", "source": {"type": "sql", "connection": HOSTILE, "query": HOSTILE}},
        "pipelines": {"steps": [{"name": "daily", "transform": HOSTILE, "reads": ["orders"]}]},
        "reports": {"title": HOSTILE, "sections": [{"type": "text", "title": HOSTILE, "markdown": HOSTILE}]},
    }
    for place, definition in hostile.items():
        definition_id = given(sqlite_site, place, HOSTILE, definition, description=HOSTILE)
        nightly = given_use(sqlite_site, place, definition_id, HOSTILE + place)
        outcome = {"steps": [{"step": HOSTILE, "rows": 1, "checks": [{"check": HOSTILE, "passed": False}]}]}
        given_run(sqlite_site, nightly, result=outcome, error=f"daily: {HOSTILE}", state="failed")
        for path in (
            "",
            f"/{definition_id}",
            f"/{definition_id}/edit",
            f"/new?copy={definition_id}",
            "?q=%3Cscript%3E",
        ):
            page = sqlite_admin.read(f"/work/{place}{path}")
            html = sqlite_admin.last.text  # type: ignore[union-attr]
            assert "alert(1)" in page.text
            assert "<script>" not in html
            assert {node.attrs.get("style") for node in page.all()} == {None}
            assert all(name[:2] != "on" for node in page.all() for name in node.attrs)
    assert "alert(1)" in sqlite_admin.read("/work").text


@pytest.mark.parametrize("place", KINDS)
def test_pages_are_chinese_for_who_reads_chinese(sqlite_admin: Browser, sqlite_site: Database, place: Place) -> None:
    definition_id = given(sqlite_site, place)
    given_run(sqlite_site, given_use(sqlite_site, place, definition_id))

    for path in (f"/work/{place}", f"/work/{place}/{definition_id}", f"/work/{place}/{definition_id}/edit", "/work"):
        page = sqlite_admin.read(path, language="zh-CN")
        assert page.one("html")["lang"] == "zh-Hans"
        assert any("一" <= letter <= "鿿" for letter in page.one("main").one("div", cls="head").text)
