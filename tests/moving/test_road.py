"""Cutting over and rolling back, on a job store made by APScheduler itself: who runs a job is certain at each step."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from scheduler_service.errors import SourceAway
from scheduler_service.moving.found import Source
from scheduler_service.moving.road import Manner, Outcome, Road
from scheduler_service.moving.selecting import Selection, chosen
from scheduler_service.moving.sources.opening import open_source
from scheduler_service.storage import observed_runs
from scheduler_service.storage.models import AuditEvent, Move
from scheduler_service.storage.session import Database
from tests.moving.sources import aps3
from tests.support.rows import given_schedule, schedule

MARGIN = timedelta(milliseconds=100)
HOUR = timedelta(hours=1)


class Killed(BaseException):
    """The process ends here, and cleans up nothing."""


class Dying:
    """A source in whose calls the process is killed: before the call is done, or after."""

    def __init__(self, source: Source, *, before: str = "", after: str = "") -> None:
        self._source, self._before, self._after = source, before, after

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._source, name)
        if name not in (self._before, self._after):
            return asked

        def call(*args: Any, **kwargs: Any) -> Any:
            if name == self._after:
                asked(*args, **kwargs)
            raise Killed

        return call


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'jobs.db'}"


@pytest.fixture
def source(store_url: str) -> Source:
    return open_source(f"apscheduler+{store_url}", trust_pickle=True)


@pytest.fixture
def anchor(store_url: str) -> datetime:
    """Of an hourly job, half an hour away from now both ways."""
    at = (datetime.now(UTC) - HOUR / 2).replace(microsecond=0)
    with aps3.scheduler(aps3.sql_store(store_url)) as opened:
        for name in ("hourly", "other"):
            opened.add_job(aps3.WORK, "interval", hours=1, start_date=at, id=name, name=name, next_run_time=at + HOUR)
    return at


@pytest.fixture
def move(database: Database, source: Source, anchor: datetime) -> Move:
    return given_move(database, source, anchor, "hourly")


def given_move(database: Database, source: Source, anchor: datetime, name: str) -> Move:
    key = given_schedule(database, name=name, every=1, period="hours", start_time=anchor, shadow=True)
    with database.transaction() as session:
        made = Move(
            periodic_task_id=key, source=source.label, source_kind=source.kind, source_id=name, name=name,
            state="shadow", shadow_since=database.clock.now(),
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made


def road(database: Database, source: Any, **manner: Any) -> Road:
    return Road(database, source, Manner(Event().wait, **({"margin": MARGIN, "patience": timedelta(0)} | manner)))


def now_of(database: Database, move: Move) -> Move:
    with database.reading() as session:
        return session.get_one(Move, move.id)


def is_shadow(database: Database, move: Move) -> bool:
    assert move.periodic_task_id is not None
    return schedule(database, move.periodic_task_id).shadow


def due_at_source(source: Source, name: str = "hourly") -> datetime | None:
    return {job.id: job.next_run_at for job in source.jobs()}[name]


def became(outcomes: list[Outcome]) -> list[str]:
    return [one.became for one in outcomes]


def test_it_goes_over_between_two_occurrences_and_back(
    database: Database, source: Source, move: Move, anchor: datetime
) -> None:
    over = road(database, source).cut_over([move])

    live = now_of(database, move)
    assert became(over) == ["live"]
    assert (live.state, live.intention, is_shadow(database, move)) == ("live", None, False)
    assert due_at_source(source) is None
    assert schedule(database, move.periodic_task_id or 0).watermark == live.boundary_at
    back = road(database, source).roll_back([live])

    assert became(back) == ["left"], "Beat has not planned the schedule yet"
    given_planned(database, move, anchor + HOUR)
    back = road(database, source).roll_back([live])

    gone = now_of(database, move)
    assert (became(back), gone.state, gone.intention) == (["rolled_back"], "rolled_back", None)
    assert is_shadow(database, move)
    assert due_at_source(source) == anchor + HOUR
    with database.reading() as session:
        told = [(event.action, event.changes["shadow"]) for event in session.query(AuditEvent).order_by(AuditEvent.id)]
    assert told == [("cutover", [True, False]), ("rollback", [False, True])]


def test_not_while_an_occurrence_is_near(database: Database, source: Source, move: Move, anchor: datetime) -> None:
    outcomes = road(database, source, margin=HOUR).cut_over([move])

    assert became(outcomes) == ["left"]
    assert "an occurrence of it is near" in outcomes[0].why
    assert (is_shadow(database, move), due_at_source(source)) == (True, anchor + HOUR)


def test_not_while_it_goes_on_at_the_source(database: Database, source: Source, move: Move, anchor: datetime) -> None:
    tell(database, source, anchor, "submitted")
    before = road(database, source).cut_over([move])
    tell(database, source, anchor, "executed")

    after = road(database, source).cut_over([move])

    assert (became(before), became(after)) == (["left"], ["live"])
    assert "it goes on at the source since" in before[0].why


@pytest.mark.parametrize(
    ("later", "then"),
    [
        pytest.param("submitted", "left", id="begun anew, and not told to have ended"),
        pytest.param("executed", "live", id="it has run since"),
        pytest.param("missed", "live", id="it was too late since, and so had its turn"),
        pytest.param("skipped", "left", id="it was skipped, since it still runs"),
    ],
)
def test_an_old_process_that_was_killed_in_a_run_is_not_waited_for(
    database: Database, source: Source, move: Move, anchor: datetime, later: str, then: str
) -> None:
    """What it was running is told to have begun, and nobody will tell that it ended."""
    tell(database, source, anchor - HOUR, "submitted")
    tell(database, source, anchor, later)

    outcomes = road(database, source).cut_over([move])

    assert became(outcomes) == [then]


def test_not_while_its_source_is_down(
    database: Database, source: Source, store_url: str, move: Move, anchor: datetime
) -> None:
    """What it was to run meanwhile would be nobody's: it runs that when it starts again."""
    with aps3.scheduler(aps3.sql_store(store_url)) as opened:
        opened.modify_job("hourly", next_run_time=anchor)

    outcomes = road(database, source).cut_over([move])

    assert became(outcomes) == ["left"]
    assert f"has not run what was due at {anchor:%Y-%m-%d %H:%M:%S}Z" in outcomes[0].why
    assert (is_shadow(database, move), due_at_source(source)) == (True, anchor)
    assert became(road(database, source, overdue_too=True).cut_over([move])) == ["live"]


def test_a_job_that_was_paused_there_stays_paused_when_it_comes_back(
    database: Database, source: Source, move: Move, anchor: datetime
) -> None:
    source.pause(["hourly"])
    road(database, source).cut_over([move])
    given_planned(database, move, anchor + HOUR)

    outcomes = road(database, source).roll_back([now_of(database, move)])

    assert became(outcomes) == ["rolled_back"]
    assert due_at_source(source) is None


@pytest.mark.parametrize(
    ("before", "after", "then"),
    [
        pytest.param("pause", "", "undone", id="before it was paused"),
        pytest.param("", "pause", "live", id="after it was paused, before that was written down"),
        pytest.param("are_paused", "", "live", id="before it was verified"),
    ],
)
def test_a_cut_over_that_was_killed_is_finished_or_undone(
    database: Database, source: Source, move: Move, before: str, after: str, then: str
) -> None:
    with pytest.raises(Killed):
        road(database, Dying(source, before=before, after=after)).cut_over([move])

    outcomes = road(database, source).mend([now_of(database, move)])

    mended = now_of(database, move)
    assert (became(outcomes), mended.intention) == ([then], None)
    assert is_shadow(database, move) == (then == "undone")
    assert (due_at_source(source) is None) == (then == "live")


@pytest.mark.parametrize(
    ("told", "doubt", "then", "from_occurrence"),
    [
        pytest.param(None, None, "doubtful", False, id="nothing is known"),
        pytest.param(None, "ran", "live", True, id="somebody knows that it ran"),
        pytest.param(None, "not-ran", "live", False, id="somebody knows that it did not"),
        pytest.param("hourly", None, "live", True, id="the source told that it ran"),
        pytest.param("other", None, "live", False, id="the source has told of something later"),
    ],
)
def test_what_came_due_while_nobody_looked(
    database: Database, source: Source, anchor: datetime, told: str | None, doubt: Any, then: str, from_occurrence: bool
) -> None:
    """It was killed before it knew the job paused, and an occurrence came due before anybody looked again."""
    move = given_move(database, source, anchor, "hourly")
    source.pause(["hourly"])
    with database.transaction() as session:
        found = session.get_one(Move, move.id)
        found.intention, found.boundary_at = "cutover", anchor - timedelta(minutes=5)
    if told is not None:
        tell(database, source, anchor, "executed", name=told)

    outcomes = road(database, source).mend([now_of(database, move)], doubt=doubt)

    mended = now_of(database, move)
    assert (became(outcomes), mended.state) == ([then], then)
    if then == "live":
        assert mended.boundary_at == (anchor if from_occurrence else anchor - timedelta(minutes=5))
        assert schedule(database, move.periodic_task_id or 0).watermark == mended.boundary_at


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("resume", "", id="before it was resumed"),
        pytest.param("", "resume", id="after it was resumed"),
    ],
)
def test_a_rollback_that_was_killed_is_finished(
    database: Database, source: Source, move: Move, anchor: datetime, before: str, after: str
) -> None:
    road(database, source).cut_over([move])
    given_planned(database, move, anchor + HOUR)
    with pytest.raises(Killed):
        road(database, Dying(source, before=before, after=after)).roll_back([now_of(database, move)])

    outcomes = road(database, source).mend([now_of(database, move)])

    assert became(outcomes) == ["rolled_back"]
    assert is_shadow(database, move)
    assert due_at_source(source) == anchor + HOUR


def test_a_rollback_that_was_killed_and_forgotten_loses_nothing(
    database: Database, source: Source, move: Move, anchor: datetime
) -> None:
    """An occurrence came due that neither side ran: it goes on here, and runs it."""
    road(database, source).cut_over([move])
    given_planned(database, move, anchor + HOUR)
    with pytest.raises(Killed):
        road(database, Dying(source, before="resume")).roll_back([now_of(database, move)])
    boundary = anchor - timedelta(minutes=5)
    with database.transaction() as session:
        session.get_one(Move, move.id).boundary_at = boundary

    outcomes = road(database, source).mend([now_of(database, move)])

    assert became(outcomes) == ["undone"]
    assert (is_shadow(database, move), now_of(database, move).state) == (False, "live")
    assert schedule(database, move.periodic_task_id or 0).watermark == boundary
    assert due_at_source(source) is None


def test_a_source_that_cannot_be_paused_goes_on(database: Database, source: Source, move: Move) -> None:
    class Stubborn(Dying):
        def pause(self, ids: object) -> None:
            raise SourceAway("there", "it is locked")

    outcomes = road(database, Stubborn(source)).cut_over([move])

    assert became(outcomes) == ["undone"]
    assert (is_shadow(database, move), now_of(database, move).intention) == (True, None)
    assert due_at_source(source) is not None


def test_a_greater_share_includes_the_smaller_one(database: Database, source: Source, anchor: datetime) -> None:
    found = [Move(source="s", source_kind="k", source_id=f"job {number}", name="n") for number in range(200)]

    shares = [{move.source_id for move in chosen(found, {}, Selection(percent=share))} for share in (0, 25, 60, 100)]

    assert [len(share) for share in shares][::3] == [0, 200]
    assert 30 <= len(shares[1]) <= 70
    assert shares[0] <= shares[1] <= shares[2] <= shares[3]


def given_planned(database: Database, move: Move, at: datetime) -> None:
    """As Beat plans it."""
    from scheduler_service.beat.decide import plan_unplanned

    assert plan_unplanned(database, limit=10) == 1
    assert schedule(database, move.periodic_task_id or 0).next_run_at == at


def tell(database: Database, source: Source, at: datetime, outcome: str, *, name: str = "hourly") -> None:
    with database.transaction() as session:
        row = {
            "source": source.label, "source_id": name, "scheduled_at": at, "ran_at": at, "outcome": outcome,
            "reported_at": database.clock.now(),
        }  # fmt: skip
        observed_runs.store(session, [row])
