"""What the other scheduler ran against what the shadow would have run: matched, early, late, missing, extra."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from scheduler_service.services import observed_runs as told
from scheduler_service.services.comparisons import Job, compare, differences, would_be_told
from scheduler_service.services.observed_runs import ObservedRunDocument
from scheduler_service.storage import observed_runs as stored_runs
from scheduler_service.storage import watched_spans
from scheduler_service.storage.models import Move
from scheduler_service.storage.moves import Shadowed
from scheduler_service.storage.session import Database
from tests.support.clock import ManualClock
from tests.support.rows import ended_run, given_schedule

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(*seconds: float) -> list[datetime]:
    return [NOON + timedelta(seconds=one) for one in seconds]


def shadows(*seconds: float, folded: int = 0) -> list[Shadowed]:
    return [Shadowed(one, one, "shadowed", folded) for one in at(*seconds)]


@pytest.mark.parametrize(
    ("ours", "theirs", "kinds"),
    [
        pytest.param(shadows(0, 60), at(0, 60), ["matched", "matched"], id="the same"),
        pytest.param(shadows(0, 60), at(0.4, 60.9), ["matched", "matched"], id="within the tolerance"),
        pytest.param(shadows(0, 60, 120), at(5, 65, 125), ["early"] * 3, id="ours comes five seconds early"),
        pytest.param(shadows(5, 65), at(0, 60), ["late", "late"], id="ours comes five seconds late"),
        pytest.param(shadows(0, 120), at(0, 60, 120), ["matched", "missing", "matched"], id="ours leaves one out"),
        pytest.param(shadows(0, 60, 120), at(0, 120), ["matched", "extra", "matched"], id="ours has one more"),
        pytest.param(shadows(), at(0), ["missing"], id="only theirs"),
        pytest.param(shadows(0), at(), ["extra"], id="only ours"),
    ],
)
def test_instants_are_matched(ours: Sequence[Shadowed], theirs: Sequence[datetime], kinds: list[str]) -> None:
    found = list(differences(ours, theirs, Job(), tolerance=SECOND))

    assert [one.kind for one in found] == kinds
    assert all(one.explained is None for one in found)


@pytest.mark.parametrize(
    ("ours", "theirs", "job", "why"),
    [
        pytest.param(shadows(0, 600), at(20, 600), Job(jitter=timedelta(seconds=30)), "jitter", id="jitter"),
        pytest.param(shadows(120, folded=2), at(0, 60, 120), Job(), "misfire", id="folded into a later one"),
        pytest.param(shadows(0, 60), at(60), Job(seen_each=False), "unseen", id="seen at each look only"),
        pytest.param(
            shadows(0, 60, 120),
            at(60, 120),
            Job(seen_each=False, seen_within=((NOON + SECOND, NOON + 200 * SECOND),)),
            "unseen",
            id="before it was watched",
        ),
        pytest.param(
            shadows(0, 60, 120),
            at(0, 120),
            Job(drifts=60 * SECOND, ran=at(59, 120)),
            "drift",
            id="an interval drifts over an instant",
        ),
        pytest.param(shadows(0, 60), at(20, 80), Job(drifts=60 * SECOND), "drift", id="an interval at another phase"),
        pytest.param(
            shadows(0, 60, 120),
            at(0, 40, 80, 120),
            Job(drifts=60 * SECOND, ran=at(0, 40, 80, 120)),
            "drift",
            id="an interval gains a turn",
        ),
    ],
)
def test_a_difference_has_its_reason(ours: Sequence[Shadowed], theirs: Sequence[datetime], job: Job, why: str) -> None:
    found = list(differences(ours, theirs, job, tolerance=SECOND))

    reasons = [(one.explained or "").partition(":")[0] for one in found if one.kind != "matched"]
    assert reasons
    assert set(reasons) == {why}


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(Job(seen_each=False, seen_within=((NOON, NOON + 120 * SECOND),)), id="while it was watched"),
        pytest.param(Job(drifts=60 * SECOND, ran=at(0.1, 120.1)), id="of an interval that left a turn out"),
    ],
)
def test_what_is_missing_there_has_no_reason(job: Job) -> None:
    extra = [one for one in differences(shadows(0, 60, 120), at(0, 120), job, tolerance=SECOND) if one.kind == "extra"]

    assert [one.explained for one in extra] == [None]


def test_near_a_change_of_the_clocks_it_is_that() -> None:
    repeated = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    (one,) = differences([], [repeated], Job(zone_name="Europe/Berlin"), tolerance=SECOND)

    assert (one.kind, one.explained) == ("missing", "dst: the clocks change there")


def test_only_what_both_had_time_to_tell_is_compared(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, every=60, shadow=True)
    move = given_move(held_database, key, shadow_since=NOON)
    for minute in range(1, 6):
        given_shadowed(held_database, key, NOON + timedelta(minutes=minute))
    clock.set(NOON + timedelta(minutes=3, seconds=30))
    tell(held_database, clock, *[NOON + timedelta(minutes=minute) for minute in (1, 2, 3)])
    clock.set(NOON + timedelta(minutes=10))

    with held_database.reading() as session:
        found = compare(session, move, now=clock.now())

    assert (found.counts["matched"], found.unexplained) == (3, 0)
    assert (found.since, found.until) == (NOON + timedelta(minutes=1), NOON + timedelta(minutes=3, seconds=25))


def test_the_jitter_of_an_interval_adds_up_there(held_database: Database, clock: ManualClock) -> None:
    key = given_schedule(held_database, every=60, shadow=True, jitter_seconds=2)
    move = given_move(held_database, key, shadow_since=NOON)
    for minute in range(1, 9):
        given_shadowed(held_database, key, NOON + timedelta(minutes=minute))
    clock.set(NOON + timedelta(minutes=9))
    tell(held_database, clock, *[NOON + timedelta(seconds=62 * turn) for turn in range(1, 9)])

    with held_database.reading() as session:
        compared = compare(session, move, now=clock.now())

    assert compared.greatest_milliseconds > 4000
    assert compared.unexplained == 0


def test_telling_again_changes_nothing_and_an_end_is_told_once(held_database: Database, clock: ManualClock) -> None:
    begun = observed(NOON, "submitted")
    ended = begun.model_copy(update={"outcome": "executed", "ran_at": NOON + SECOND})

    stored = []
    for one in (begun, ended, begun, ended):
        with held_database.transaction() as session:
            stored.append(told.store(session, "there", [one], now=clock.now()))

    with held_database.reading() as session:
        (row,) = stored_runs.of_jobs(session, "there", ["a"], since=NOON)
    assert stored == [1, 1, 0, 0]
    assert (row.outcome, row.ran_at) == ("executed", NOON)


@pytest.mark.parametrize(
    ("kind", "source_id", "told"),
    [
        pytest.param("apscheduler3", "a", True, id="a listener told of something later"),
        pytest.param("redbeat", "a", True, id="its broker was watched"),
        pytest.param("redbeat", "b", False, id="it was one that looks like another"),
    ],
)
def test_a_run_would_have_been_told_of(
    held_database: Database, clock: ManualClock, kind: str, source_id: str, told: bool
) -> None:
    """So that a cut-over that was cut short knows that there was none."""
    with held_database.transaction() as session:
        watched_spans.begin(session, "there", began_at=NOON, heard_at=NOON + 60 * SECOND, blind=["b"])
        heard = stored_runs.watched(session, "there")
    move = Move(source="there", source_kind=kind, source_id=source_id, name="one")

    assert would_be_told(move, heard, NOON + 30 * SECOND) is told
    assert not would_be_told(move, heard, NOON + 58 * SECOND)
    assert not would_be_told(move, None, NOON)


def test_what_is_long_ago_is_let_go(held_database: Database, clock: ManualClock) -> None:
    tell(held_database, clock, NOON, NOON + 60 * SECOND)
    with held_database.transaction() as session:
        for second in (0, 60):
            at = NOON + second * SECOND
            watched_spans.begin(session, "there", began_at=at, heard_at=at + SECOND, blind=[])

        assert stored_runs.trim(session, before=NOON + 30 * SECOND) == 1

    with held_database.reading() as session:
        (span,) = watched_spans.of_source(session, "there")
        (row,) = stored_runs.of_jobs(session, "there", ["a"], since=NOON)
    assert (span.began_at, row.scheduled_at) == (NOON + 60 * SECOND, NOON + 60 * SECOND)


def given_move(database: Database, schedule_id: int, **fields: object) -> Move:
    with database.transaction() as session:
        move = Move(
            periodic_task_id=schedule_id, source="there", source_kind="apscheduler3", source_id="a", name="one",
            state="shadow", **fields,
        )  # fmt: skip
        session.add(move)
        session.flush()
        return move


def given_shadowed(database: Database, schedule_id: int, at: datetime) -> None:
    with database.transaction() as session:
        session.add(ended_run(at, periodic_task_id=schedule_id, state="shadowed", origin="shadow"))


def observed(at: datetime, outcome: str) -> ObservedRunDocument:
    said = {"source_id": "a", "scheduled_at": at.isoformat(), "ran_at": at.isoformat(), "outcome": outcome}
    return ObservedRunDocument.model_validate(said)


def tell(database: Database, clock: ManualClock, *instants: datetime) -> None:
    runs = [observed(one, "executed") for one in instants]
    with database.transaction() as session:
        told.store(session, "there", runs, now=clock.now())
