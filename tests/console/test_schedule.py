"""The page of one schedule: what it is, when it comes, what became of it, who changed it, and what one may do."""

from datetime import timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from scheduler_service.beat import decide
from scheduler_service.services import schedules
from scheduler_service.services.schedule_documents import ScheduleDocument
from scheduler_service.storage import publishing, runs
from scheduler_service.storage.session import Database
from tests.console.pages import Browser, Node, read
from tests.support import rows
from tests.support.clock import ManualClock

HOSTILE = "<img src=x onerror=alert(1)>\"'{{7*7}}"


def given(database: Database, clock: ManualClock, name: str = "orders", **fields: Any) -> int:
    """A schedule, made as somebody makes one, and planned by a Beat."""
    document = {"name": name, "task": "shop.collect", "timing": {"type": "crontab", "expression": "30 2 * * *"}}
    with database.transaction() as session:
        made = schedules.create(
            session, ScheduleDocument.model_validate(document | fields), actor="key:ops", now=clock.now()
        )
        made_id = made.id
    decide.plan_unplanned(database, limit=100)
    return made_id


def given_runs(database: Database, clock: ManualClock, schedule_id: int, *outcomes: dict[str, Any]) -> None:
    """Runs of the past, a minute apart, the last one first: as many as there are outcomes."""
    with database.transaction() as session:
        task = schedules.get(session, schedule_id)
        made = []
        for number, outcome in enumerate(outcomes):
            at = clock.now() - timedelta(minutes=len(outcomes) - number)
            row = runs.new_run(task, run_id=uuid7(), origin="auto", occurrence_at=at, fire_at=at, now=at)
            took = outcome.pop("took", None)
            row |= {"decided_at": at, "decided_by": "beat", "state": "succeeded", "finished_at": at} | outcome
            if took is not None:
                started = at + timedelta(milliseconds=80)
                row |= {"started_at": started, "finished_at": started + timedelta(seconds=took), "worker": "one@host"}
            made.append(row)
        for row in made:
            publishing.insert_runs(session, [row])


def test_it_says_what_runs_when_and_what_comes(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock, description="every night", tags=["finance"], queue="heavy", priority=5)

    page = admin.read(f"/schedules/{made}")

    assert page.one("h1").text == "orders"
    assert page.one("p", cls="lede").text.startswith("At 02:30. Next: Tomorrow 02:30:00, in ")
    assert len(page.one("ol", cls="next").all("li")) == 10
    assert {"shop.collect", "heavy, priority 5", "finance"} <= set(page.texts("dd"))
    assert "It has not run yet" in page.text


def test_its_policies_are_sentences(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(
        held_database,
        clock,
        overlap_policy="buffer_one",
        misfire_grace_seconds=120,
        catchup_window_seconds=86_400,
        retry_max=3,
        retry_delay_seconds=60,
        pause_after_failures=5,
        jitter_seconds=10,
        timing={"type": "crontab", "expression": "30 2 * * *", "timezone": "Europe/Berlin"},
    )

    said = said_by(admin.read(f"/schedules/{made}"))

    assert said == {
        "Late": "More than 2 min late counts as missed. The latest one within 1 d still runs; the others are counted.",
        "Still running": "One waits its turn; a second is skipped.",
        "Fails": "Tried 3 more times: after 1 min, then twice as long each time. "
        "Pauses itself after 5 failed runs in a row.",
        "Spread": "Sent up to 10 s after its time, always the same for the same time.",
        "Clocks change": "Runs once, whatever the clock does.",
        "Calendar": "None. It runs on holidays too.",
    }


def test_its_last_runs_are_dots_and_rows(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock)
    outcomes = [{"took": 60 + number} for number in range(8)]
    given_runs(
        held_database, clock, made, *outcomes, {"state": "missed"}, {"state": "failed", "took": 4, "error": "no"}
    )

    page = admin.read(f"/schedules/{made}")

    dots = page.one("svg", role="group")
    assert len(dots.all("a")) == 10
    assert dots.all("a")[-1].one("title").text.endswith("failed, 4.0 s, 80 ms late")
    assert "80.0% of the last 10 succeeded, 1 failed, 1 missed" in page.text
    newest = page.one("table", cls="grid").rows()[0]
    assert newest[1:5] == ["failed", "80 ms", "4.0 s", "1"]
    assert newest[6] == "no"
    assert "It usually takes 1 min 03 s." in page.one("p", cls="lede").text
    assert len(page.all("path", cls="l-ink")) == 2  # how long, and how late


def test_a_page_looks_at_its_last_runs_alone(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock)
    given_runs(held_database, clock, made, *({"took": 1} for _ in range(140)))

    page = admin.read(f"/schedules/{made}")

    assert "100.0% of the last 100 succeeded" in page.text
    assert len(page.one("svg", role="group").all("a")) == 31


def test_who_changed_what_is_told_with_before_and_after(
    admin: Browser, held_database: Database, clock: ManualClock
) -> None:
    made = given(held_database, clock)
    with held_database.transaction() as session:
        change = {"timing": {"minute": "45"}, "kwargs": {"days": 3}}
        schedules.patch(session, made, change, expected=None, actor="key:lena", now=clock.now())
    rows.sql(held_database, "UPDATE periodic_task SET priority = 7 WHERE id = :id", id=made)

    trail = admin.read(f"/schedules/{made}").one("ol", cls="trail").all("li")

    assert [item.one("b").text for item in trail] == ["Someone, by SQL", "lena", "ops"]
    assert trail[0].one("table").rows() == [["priority", "7"]]
    assert sorted(trail[1].one("table").rows()) == [["kwargs.days", "3"], ["timing.minute", "30 45"]]


def test_a_chain_is_told_from_both_ends(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    first = given(held_database, clock, "first")
    second = given(held_database, clock, "second", timing=None, after=["first"])

    head, tail = admin.read(f"/schedules/{first}"), admin.read(f"/schedules/{second}")

    assert head.one("a", href=f"/schedules/{second}").text == "second"
    assert tail.one("p", cls="lede").text.startswith('After "first" succeeds.')
    assert tail.one("a", href=f"/schedules/{first}").text == "first"
    assert not tail.has("a", href=f"/schedules/{second}/backfill")


def test_what_is_wrong_comes_first_with_the_way_out(
    admin: Browser, held_database: Database, clock: ManualClock
) -> None:
    paused = given(held_database, clock, "paused", enabled=False, paused_reason="the source moves")
    spent = given(held_database, clock, "spent")
    broken = given(held_database, clock, "broken", timing={"type": "crontab", "expression": "31 3 * * *"})
    rows.sql(
        held_database,
        "UPDATE periodic_task SET completed_reason = 'one_off: it has run once', next_run_at = NULL WHERE id = :id",
        id=spent,
    )
    rows.sql(held_database, "UPDATE crontab_schedule SET minute = 'nonsense' WHERE minute = '31'")
    decide.plan_unplanned(held_database, limit=100)

    notes = {
        name: admin.read(f"/schedules/{one}").all("section", cls="note")[0].text
        for name, one in (("paused", paused), ("spent", spent), ("broken", broken))
    }

    assert "Reason: the source moves" in notes["paused"]
    assert "It is completed" in notes["spent"]
    assert "It is in quarantine" in notes["broken"]
    assert "leaves quarantine at once" in notes["broken"]


def test_whatever_it_is_called_is_only_text(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(
        held_database,
        clock,
        HOSTILE,
        description=HOSTILE,
        tags=[HOSTILE],
        kwargs={HOSTILE: HOSTILE},
        enabled=False,
        paused_reason=HOSTILE,
        queue=HOSTILE,
    )
    given_runs(held_database, clock, made, {"state": "failed", "took": 1, "error": HOSTILE, "worker": HOSTILE})

    page = admin.read(f"/schedules/{made}")

    assert page.one("h1").text == HOSTILE
    assert not page.has("img")
    assert all(not node.attrs.keys() & {"style", "onclick", "onerror"} for node in page.all())
    assert all("src" in script.attrs for script in page.all("script"))


@pytest.mark.parametrize("path", ["", "/edit", "/run", "/backfill"])
def test_a_schedule_that_is_not_there_is_a_page_in_words(admin: Browser, path: str) -> None:
    assert admin.read(f"/schedules/4711{path}", status=404).one("h1").text == "Page not found"


def test_who_may_only_read_sees_no_buttons(viewer: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock)

    page = viewer.read(f"/schedules/{made}")

    assert not page.one("main").all("button")
    assert not page.one("main").all("form")
    assert not page.has("a", href=f"/schedules/{made}/edit")


def test_it_is_told_in_chinese(admin: Browser, held_database: Database, clock: ManualClock) -> None:
    made = given(held_database, clock)

    page = admin.read(f"/schedules/{made}", language="zh")

    assert page.one("p", cls="lede").text.startswith("每天 02:30")
    assert "迟到" in said_by(page)


def test_a_part_of_it_is_made_again_for_what_changes(
    admin: Browser, held_database: Database, clock: ManualClock
) -> None:
    made = given(held_database, clock)

    part = admin.http.get(f"/schedules/{made}", headers={"HX-Request": "true"})

    assert part.text.lstrip().startswith('<div id="schedule"')
    assert read(part.text).one("div", id="schedule").has("dialog", id="pause")
    assert "<main" not in part.text


def said_by(page: Node) -> dict[str, str]:
    """Its policies: when, and what then."""
    return {item.one("h3").text: item.one("p").text for item in page.one("ul", cls="says").all("li")}
