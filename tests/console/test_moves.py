"""The road's board: how far each source is, where each job stands, and the command that takes the next step."""

import shlex
from datetime import timedelta

import pytest

from scheduler_service.services import moves, observed_runs
from scheduler_service.services.observed_runs import ObservedRunDocument
from scheduler_service.storage import moves as stored
from scheduler_service.storage.models import Move
from scheduler_service.storage.session import Database
from tests.console.pages import Browser, Node
from tests.support.clock import ManualClock
from tests.support.rows import ended_run, given_schedule

HOSTILE = "<script>alert(1)</script>; rm -rf ~'\""
MINUTE = timedelta(minutes=1)
SOURCE = "apscheduler+postgresql://jobs@db/platform"


def test_it_teaches_the_first_step_while_nothing_is_on_its_way(viewer: Browser) -> None:
    page = viewer.read("/system/moves")

    assert page.one("div", cls="empty").one("h2").text == "No job is on its way here"
    assert page.one("pre").text.startswith("scheduler-service migrate plan ")
    assert page.one("nav", aria_label="System").one("a", aria_current="page").text == "Moves"


def test_it_says_how_far_each_source_is(viewer: Browser, held_database: Database) -> None:
    for number, state in enumerate(("planned", "shadow", "live", "live")):
        given_move(held_database, f"job {number}", state=state)
    given_move(held_database, "other", source="crontab:/etc/crontab", state="rolled_back")

    page = viewer.read("/system/moves")

    assert page.one("h1").text == "2 of 5 jobs are live"
    assert page.one("section", aria_labelledby="h-sources").rows() == [
        [SOURCE, "4", "1 25.0 %", "1 25.0 %", "2 50.0 %", "–", "–"],
        ["crontab:/etc/crontab", "1", "–", "–", "–", "1 100.0 %", "–"],
    ]
    of_source = viewer.read(page.one("section", aria_labelledby="h-sources").all("a")[0]["href"])
    live = viewer.read(of_source.one("nav", aria_label="State").all("a")[3]["href"])
    assert [row[0] for row in jobs(live)] == ["job 2", "job 3"]
    assert live.one("nav", aria_label="State").one("a", aria_current="true").text == "Live 2"


def test_a_shadow_that_ran_alike_may_be_cut_over(viewer: Browser, held_database: Database, clock: ManualClock) -> None:
    key, name = given_compared(held_database, clock, ours=(1, 2, 3), theirs=(1, 2, 3))

    page = viewer.read("/system/moves")

    assert jobs(page)[0][:7] == ["orders", "compared", "4", "0", "0", "0", "0"]
    assert page.one("a", href=f"/schedules/{key}").text == name
    assert next_step(page) == [f"scheduler-service migrate cutover {SOURCE} orders"]


def test_what_differs_is_told_with_the_worst_of_it(
    viewer: Browser, held_database: Database, clock: ManualClock
) -> None:
    given_compared(held_database, clock, ours=(1, 2, 3.1, 4), theirs=(1, 3, 4))

    page = viewer.read("/system/moves")

    assert jobs(page)[0][1:8] == ["shadow", "3", "0", "1", "0", "1", "6.0 s"]
    dialog = page.one("dialog", id="step-1")
    assert "2 differences are not explained." in dialog.text
    assert [row[0] for row in dialog.rows()] == ["Extra", "Late"]
    assert next_step(page) == [f"scheduler-service migrate compare {SOURCE} orders"]


def test_what_is_in_doubt_comes_first_and_says_how_it_is_settled(viewer: Browser, held_database: Database) -> None:
    note = "whether 2026-03-02 12:00:00Z ran at the source is not known"
    boundary = held_database.clock.now()
    given_move(held_database, "orders", state="doubtful", intention="cutover", boundary_at=boundary, note=note)

    page = viewer.read("/system/moves")

    assert page.one("h1").text == "1 job is in doubt"
    assert note in page.one("dialog", id="step-1").text
    assert next_step(page) == [
        f"scheduler-service migrate cutover {SOURCE} orders --doubt ran",
        f"scheduler-service migrate cutover {SOURCE} orders --doubt not-ran",
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"state": "planned"}, ["apply", SOURCE, "--mapping", "move.yaml"], id="planned"),
        pytest.param({"state": "shadow"}, ["compare", SOURCE, "orders"], id="not compared"),
        pytest.param({"state": "live"}, ["rollback", SOURCE, "orders"], id="live"),
        pytest.param({"state": "live", "intention": "rollback"}, ["rollback", SOURCE, "orders"], id="half given back"),
        pytest.param({"state": "shadow", "intention": "cutover"}, ["cutover", SOURCE, "orders"], id="half taken"),
    ],
)
def test_the_next_step_follows_from_where_it_stands(
    viewer: Browser, held_database: Database, fields: dict[str, str], expected: list[str]
) -> None:
    given_move(held_database, "orders", **fields)

    (command,) = next_step(viewer.read("/system/moves"))

    assert shlex.split(command) == ["scheduler-service", "migrate", *expected]


def test_a_hostile_name_is_text_on_the_page_and_one_word_to_a_shell(viewer: Browser, held_database: Database) -> None:
    given_move(held_database, HOSTILE, state="live", note=HOSTILE)

    (command,) = next_step(viewer.read("/system/moves"))

    assert shlex.split(command)[-1] == HOSTILE
    assert viewer.last is not None
    assert "<script>alert" not in viewer.last.text


def test_many_jobs_are_told_page_by_page(viewer: Browser, held_database: Database) -> None:
    for number in range(27):
        given_move(held_database, f"job {number}")

    first = viewer.read("/system/moves?state=planned")
    second = viewer.read(first.one("a", rel="next")["href"])

    assert [row[0] for row in jobs(first) + jobs(second)] == [f"job {number}" for number in range(27)]
    assert second.one("nav", aria_label="State").one("a", aria_current="true").text == "Planned 27"


def test_of_a_long_past_only_the_latest_instants_are_compared(
    held_database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moves, "LATEST", 3)
    given_compared(held_database, clock, ours=range(1, 9), theirs=range(2, 9))

    with held_database.reading() as session:
        found = moves.search(session, stored.MoveFilter(), limit=5, cursor=None, now=clock.now())

    assert found.items[0].comparison.counts == {"matched": 4, "early": 0, "late": 0, "missing": 0, "extra": 0}


def test_the_board_is_told_in_chinese(viewer: Browser, held_database: Database) -> None:
    given_move(held_database, "orders", state="shadow")

    page = viewer.read("/system/moves", language="zh")

    assert page.one("h1").text == "1 个作业中有 0 个已上线"
    assert jobs(page)[0][1] == "影子"


def given_move(database: Database, name: str, **fields: object) -> None:
    said = {"source": SOURCE, "source_kind": "apscheduler3", "source_id": name, "name": name}
    with database.transaction() as session:
        session.add(Move(**said | fields))


def given_compared(
    database: Database, clock: ManualClock, *, ours: "range | tuple[float, ...]", theirs: "range | tuple[float, ...]"
) -> tuple[int, str]:
    """A shadow and what its source told, at so many minutes from now on; ten minutes later."""
    began, name = clock.now(), "orders"
    key = given_schedule(database, name=name, every=60, shadow=True)
    given_move(database, name, state="shadow", periodic_task_id=key, shadow_since=began)
    told = [{"source_id": name, "scheduled_at": (began + one * MINUTE).isoformat(), "outcome": "executed"} for one in
            (0, *theirs)]  # fmt: skip
    clock.advance(10 * MINUTE)
    with database.transaction() as session:
        for one in (0, *ours):
            at = began + one * MINUTE
            session.add(ended_run(at, periodic_task_id=key, state="shadowed", origin="shadow"))
        runs = [ObservedRunDocument.model_validate(one) for one in told]
        observed_runs.store(session, SOURCE, runs, now=clock.now())
    return key, name


def jobs(page: Node) -> list[list[str]]:
    return [row[:10] for row in page.one("div", cls="wide").rows()]


def next_step(page: Node) -> list[str]:
    return page.one("dialog", id="step-1").texts("pre", cls="code")
