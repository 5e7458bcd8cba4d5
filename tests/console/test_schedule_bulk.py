"""Deeds on many schedules: asked about first, agreed to, done once, and told of one by one where they fail."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from scheduler_service.storage.models import ScheduleAfter
from scheduler_service.storage.session import Database
from tests.console.pages import Browser, Node, read
from tests.support.clock import ManualClock
from tests.support.rows import given_schedule, given_schedules, runs, schedule, sql

SOON = timedelta(minutes=5)


@pytest.fixture
def three(held_database: Database, clock: ManualClock) -> Database:
    """`a` and `c` active, `b` paused."""
    for name in "abc":
        paused: dict[str, Any] = {"enabled": False, "paused_reason": "first"} if name == "b" else {}
        given_schedule(held_database, name=name, every=1, period="hours", next_run_at=clock.now() + SOON, **paused)
    return held_database


def asked(browser: Browser, action: str, **fields: Any) -> Node:
    """The question, as a page."""
    answer = browser.post(f"/schedules/bulk/{action}/ask", fields)
    assert answer.status_code == 200, answer.text
    return read(answer.text)


def agree(question: Node) -> Node:
    return next(form for form in question.all("form") if form["action"].startswith("/schedules/bulk/"))


def test_to_pause_is_asked_with_what_it_would_do(three: Database, operator: Browser) -> None:
    question = asked(operator, "pause", id=["1", "2", "3"])

    assert question.one("h2", id="ask-h").text == "Pause 2 schedules?"
    assert "a would have run 12:05:00" in question.text
    assert "1 is so already" in question.text
    assert schedule(three, 1).enabled


def test_what_was_agreed_to_is_done_and_can_be_undone(three: Database, operator: Browser) -> None:
    question = asked(operator, "pause", id=["1", "2", "3"], next="/schedules?sort=name")
    page = operator.send(agree(question), reason="the shop moves")

    assert operator.last is not None
    assert str(operator.last.url).endswith("/schedules?sort=name")
    assert page.one(cls="toast").text.startswith("2 schedules are paused.")
    reasons = [schedule(three, key).paused_reason for key in (1, 2, 3)]
    assert reasons == ["the shop moves", "first", "the shop moves"]
    operator.send(page.one(cls="toast").one("form"))
    assert [schedule(three, key).enabled for key in (1, 2, 3)] == [True, False, True]


def test_a_pause_needs_a_reason_and_keeps_the_question(three: Database, operator: Browser) -> None:
    refused = operator.send(agree(asked(operator, "pause", id=["1", "3"])), reason=" ", status=422)

    assert refused.one("input", name="reason")["aria-invalid"] == "true"
    assert "whoever finds it paused will ask" in refused.text
    assert agree(refused).fields()["ids"] == "1,3"
    assert schedule(three, 1).enabled


def test_the_switch_asks_when_it_turns_off_and_turns_on_at_once(three: Database, operator: Browser) -> None:
    page = operator.read("/schedules?sort=name")
    [off, on] = [page.one("tr", data_row=key).one("button", cls="switch") for key in ("1", "2")]

    assert (off["aria-checked"], off["formaction"]) == ("true", "/schedules/bulk/pause/ask")
    assert (on["aria-checked"], on["formaction"]) == ("false", "/schedules/bulk/resume")
    operator.post(on["formaction"], {"ids": on["value"], "id": ["1"]})
    assert [schedule(three, key).enabled for key in (1, 2)] == [True, True]


def test_all_that_match_are_those_it_was_asked_about(three: Database, operator: Browser) -> None:
    question = asked(operator, "trigger", id=["1"], all="1", query="?state=active")
    given_schedule(three, name="later", every=1)
    operator.send(agree(question))

    assert question.one("h2", id="ask-h").text == "Run 2 schedules now?"
    assert sorted(run.schedule_name for run in runs(three)) == ["a", "c"]


def test_sent_twice_it_is_done_once(three: Database, operator: Browser) -> None:
    form = agree(asked(operator, "trigger", id=["1"]))
    told = [operator.send(form).one(cls="toast").text for _ in range(2)]

    assert told == ["1 run was started.", "1 run was started."]
    assert len(runs(three)) == 1


def test_those_that_could_not_be_are_listed_with_the_reason(three: Database, admin: Browser) -> None:
    follows(three, upstream=1, downstream=2)
    question = asked(admin, "delete", id=["1", "3", "77"])
    page = admin.send(agree(question), count="3")

    assert "a: The schedules 'b' run after schedule 1." in question.text
    assert page.one("h1").text == "1 schedule was deleted. 2 could not be."
    assert page.one("table").rows() == [
        ["a", "The schedules 'b' run after schedule 1."],
        ["77", "No schedule has the id 77."],
    ]


def test_to_delete_many_takes_their_number(three: Database, admin: Browser) -> None:
    form = agree(asked(admin, "delete", id=["1", "3"]))

    refused = admin.send(form, count="3", status=422)
    assert refused.one("p", id="count-error").text == "Type 2: that is how many would go."
    admin.send(agree(refused), count="2")
    assert "a" not in admin.read("/schedules").one("table", cls="grid").texts("a")


def test_tags_come_and_go(three: Database, admin: Browser) -> None:
    admin.send(agree(asked(admin, "tag", id=["1", "3"])), tags="night, team data")
    assert schedule(three, 1).tags == ["night", "team data"]

    page = admin.send(agree(asked(admin, "untag", id=["1", "2"])), tags="night")
    assert schedule(three, 1).tags == ["team data"]
    assert page.one(cls="toast").text.startswith("The tag was taken from 1 schedule. 1 was so already.")
    refused = admin.send(agree(asked(admin, "tag", id=["1"])), tags="x" * 51, status=422)
    assert refused.one("input", name="tags").value == "x" * 51


def test_many_are_told_of_while_they_are_done(held_database: Database, operator: Browser) -> None:
    given_schedules(held_database, 450)
    form = agree(asked(operator, "pause", all="1", query=""))
    page = operator.send(form, reason="a move")

    assert [bar["value"] for bar in page.all("progress")] == ["0", "200", "400", "450"]
    assert page.one("h1").text == "450 schedules are paused."
    assert operator.send(form, reason="a move").one(cls="toast").text == "450 schedules are paused."


def test_more_than_can_be_done_at_once_is_refused_in_words(held_database: Database, operator: Browser) -> None:
    given_schedules(held_database, 10_001)
    answer = operator.post("/schedules/bulk/pause/ask", {"all": "1", "query": ""})

    assert answer.status_code == 422
    assert "more than 10000 schedules" in read(answer.text).text


def test_nothing_selected_goes_back(three: Database, operator: Browser) -> None:
    answer = operator.post("/schedules/bulk/pause/ask", {"next": "/schedules?q=a"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/schedules?q=a")
    assert "No schedule was selected." in operator.read("/schedules").one(cls="toast").text


@pytest.mark.parametrize("path", ["pause", "resume", "trigger", "pause/ask"])
def test_a_viewer_is_refused(three: Database, viewer: Browser, path: str) -> None:
    assert viewer.post(f"/schedules/bulk/{path}", {"ids": "1", "reason": "mine"}).status_code == 403
    assert (schedule(three, 1).enabled, schedule(three, 2).enabled, runs(three)) == (True, False, [])


@pytest.mark.parametrize("action", ["delete", "tag", "untag"])
def test_an_operator_changes_no_definitions(three: Database, operator: Browser, action: str) -> None:
    for path in (f"{action}/ask", action):
        answer = operator.post(f"/schedules/bulk/{path}", {"ids": "1", "tags": "x"})
        assert answer.status_code == 403
        assert "admin" in read(answer.text).text


def test_another_pages_form_is_refused(three: Database, operator: Browser) -> None:
    answers: list[httpx.Response] = [
        operator.post("/schedules/bulk/resume", {"ids": "2", "csrf_token": "made up"}),
        operator.post("/schedules/bulk/resume", {"ids": "2"}, Origin="https://elsewhere.example"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert not schedule(three, 2).enabled


def test_a_dialog_gets_the_question_alone(three: Database, operator: Browser) -> None:
    answer = operator.post("/schedules/bulk/pause/ask", {"id": ["1"]}, **{"HX-Request": "true"})

    assert "<html" not in answer.text
    assert read(answer.text).one("h2", id="ask-h").text == "Pause 1 schedule?"


def test_hostile_names_are_only_texts(held_database: Database, operator: Browser) -> None:
    given_schedule(held_database, name="<img src=x onerror=alert(1)>", every=1)
    question = asked(operator, "pause", id=["1"])

    assert not question.has("img")
    assert "<img src=x onerror=alert(1)>" in question.text


def follows(database: Database, *, upstream: int, downstream: int) -> None:
    with database.transaction() as session:
        session.add(ScheduleAfter(upstream_id=upstream, downstream_id=downstream))
    sql(database, "UPDATE periodic_task SET interval_id = NULL WHERE id = :id", id=downstream)
