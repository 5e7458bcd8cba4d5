"""What is decided about occurrences that have come, however late."""

from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest

from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.planning import Misfire, Occurrence, Plan, Policy, Terms, first, plan, upcoming
from scheduler_service.timing.timings import Timing

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVERY_MINUTE = Crontab()


def terms(
    timing: Timing = EVERY_MINUTE,
    *,
    start_time: datetime | None = None,
    expires: datetime | None = None,
    jitter: timedelta = timedelta(),
) -> Terms:
    return Terms(timing, start_time, expires, jitter, schedule_id=7)


def misfire(policy: Policy = "fire_once", *, grace: timedelta = MINUTE, window: timedelta | None = None) -> Misfire:
    return Misfire(policy, grace, window)


def minutes(*after_noon: int) -> tuple[Occurrence, ...]:
    return tuple(Occurrence(NOON + minute * MINUTE, NOON + minute * MINUTE) for minute in after_noon)


# --- what comes next ----------------------------------------------------------------------------------------------


def test_the_first_is_strictly_after() -> None:
    assert first(terms(), after=NOON) == minutes(1)[0]


def test_both_limits_are_inclusive() -> None:
    limited = terms(start_time=NOON + 5 * MINUTE, expires=NOON + 7 * MINUTE)

    assert upcoming(limited, after=NOON, count=10) == list(minutes(5, 6, 7))
    assert first(limited, after=NOON + 7 * MINUTE) is None


def test_a_preview_is_as_long_as_asked_for() -> None:
    assert upcoming(terms(), after=NOON, count=3) == list(minutes(1, 2, 3))
    assert upcoming(terms(Clocked(NOON)), after=NOON - DAY, count=3) == list(minutes(0))


def test_a_jitter_delays_but_keeps_the_order() -> None:
    jittered = upcoming(terms(jitter=HOUR), after=NOON, count=200)

    assert [run.occurrence_at for run in jittered] == [NOON + n * MINUTE for n in range(1, 201)]
    assert all(timedelta() <= run.fire_at - run.occurrence_at < MINUTE for run in jittered)
    assert len({run.fire_at - run.occurrence_at for run in jittered}) > 150


# --- decisions ----------------------------------------------------------------------------------------------------

CASES = [
    pytest.param(misfire(), 0, Plan(minutes(0), 0, 0, None, minutes(1)[0]), id="on time: it runs"),
    pytest.param(misfire(), -1, Plan((), 0, 0, None, minutes(0)[0]), id="not due yet: nothing is decided"),
    pytest.param(misfire(), 1, Plan(minutes(0, 1), 0, 0, None, minutes(2)[0]), id="late by the grace is on time"),
    pytest.param(misfire(), 9, Plan(minutes(8, 9), 8, 0, None, minutes(10)[0]), id="once: folded into the on-time run"),
    pytest.param(
        misfire(window=5 * MINUTE),
        9,
        Plan(minutes(8, 9), 4, 4, NOON + 3 * MINUTE, minutes(10)[0]),
        id="once: what lies outside the window is missed",
    ),
    pytest.param(
        misfire(window=timedelta()),
        9,
        Plan(minutes(8, 9), 0, 8, NOON + 7 * MINUTE, minutes(10)[0]),
        id="once: without a window all are missed",
    ),
    pytest.param(
        misfire("fire_all"),
        4,
        Plan(minutes(0, 1, 2, 3, 4), 0, 0, None, minutes(5)[0]),
        id="all: oldest first",
    ),
    pytest.param(
        misfire("fire_all", window=3 * MINUTE),
        6,
        Plan(minutes(3, 4, 5, 6), 0, 3, NOON + 2 * MINUTE, minutes(7)[0]),
        id="all: but those outside the window",
    ),
    pytest.param(
        misfire("skip"),
        6,
        Plan(minutes(5, 6), 0, 5, NOON + 4 * MINUTE, minutes(7)[0]),
        id="skip: only what is on time",
    ),
]


@pytest.mark.parametrize(("policy", "late", "expected"), CASES)
def test_every_minute_decided_so_many_minutes_late(policy: Misfire, late: int, expected: Plan) -> None:
    assert plan(terms(), due=NOON, now=NOON + late * MINUTE, misfire=policy) == expected


def test_one_missed_run_alone_runs_late() -> None:
    daily = terms(Crontab.parse("0 12 * * *"))

    decided = plan(daily, due=NOON - 3 * DAY, now=NOON + 5 * HOUR, misfire=misfire(window=DAY))

    noon, tomorrow = NOON, NOON + DAY
    assert decided == Plan((Occurrence(noon, noon),), 0, 3, noon - DAY, Occurrence(tomorrow, tomorrow))


def test_the_latest_missed_runs_for_all_of_them() -> None:
    daily = terms(Crontab.parse("0 12 * * *"))

    decided = plan(daily, due=NOON - 3 * DAY, now=NOON + 5 * HOUR, misfire=misfire())

    assert (decided.runs, decided.coalesced, decided.missed) == (minutes(0), 3, 0)


def test_a_limit_cuts_the_plan_where_the_next_one_goes_on() -> None:
    start = plan(terms(), due=NOON, now=NOON + 6 * MINUTE, misfire=misfire("fire_all"), limit=4)
    assert start == Plan(minutes(0, 1, 2, 3), 0, 0, None, minutes(4)[0])

    assert start.following is not None
    rest = plan(terms(), due=start.following.occurrence_at, now=NOON + 6 * MINUTE, misfire=misfire("fire_all"))
    assert rest == Plan(minutes(4, 5, 6), 0, 0, None, minutes(7)[0])


def test_all_are_the_latest_of_the_missed_within_the_bound() -> None:
    bounded = Misfire("fire_all", MINUTE, 20 * MINUTE, most=3)

    decided = plan(terms(), due=NOON, now=NOON + 9 * MINUTE, misfire=bounded)

    assert decided == Plan(minutes(5, 6, 7, 8, 9), 0, 5, NOON + 4 * MINUTE, minutes(10)[0])


def test_a_window_that_is_narrower_than_the_bound_decides() -> None:
    bounded = Misfire("fire_all", MINUTE, 3 * MINUTE, most=5)

    decided = plan(terms(), due=NOON, now=NOON + 9 * MINUTE, misfire=bounded)

    assert (decided.runs[0], decided.missed, decided.last_missed) == (minutes(6)[0], 6, NOON + 5 * MINUTE)


def test_on_time_runs_beyond_the_limit_are_left_for_the_next_plan() -> None:
    patient = misfire(grace=HOUR)

    decided = plan(terms(), due=NOON - DAY, now=NOON, misfire=patient, limit=10)

    assert decided.runs == minutes(*range(-60, -50))
    assert decided.coalesced == 23 * 60
    assert decided.following == minutes(-50)[0]


def test_expired_in_the_meantime() -> None:
    ended = terms(expires=NOON + 3 * MINUTE)

    assert plan(ended, due=NOON, now=NOON + DAY, misfire=misfire()) == Plan(minutes(3), 3, 0, None, None)
    assert plan(ended, due=NOON + DAY, now=NOON + DAY, misfire=misfire()) == Plan((), 0, 0, None, None)


def test_nothing_from_before_the_start_is_decided() -> None:
    started = terms(start_time=NOON + 3 * MINUTE)

    decided = plan(started, due=NOON, now=NOON + 4 * MINUTE, misfire=misfire("fire_all"))

    assert decided == Plan(minutes(3, 4), 0, 0, None, minutes(5)[0])


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(misfire(), Plan(minutes(0), 0, 0, None, None), id="once: it runs late"),
        pytest.param(misfire("fire_all"), Plan(minutes(0), 0, 0, None, None), id="all: it runs late"),
        pytest.param(misfire("skip"), Plan((), 0, 1, NOON, None), id="skip: it is missed"),
        pytest.param(misfire(window=HOUR), Plan((), 0, 1, NOON, None), id="outside the window: it is missed"),
    ],
)
def test_a_clocked_timing_obeys_the_same_rules(policy: Misfire, expected: Plan) -> None:
    assert plan(terms(Clocked(NOON)), due=NOON, now=NOON + DAY, misfire=policy) == expected


def test_a_jittered_run_is_due_when_it_fires() -> None:
    hourly = terms(Crontab.parse("@hourly"), jitter=HOUR)
    run = first(hourly, after=NOON)
    assert run is not None
    assert run.fire_at - run.occurrence_at > MINUTE

    early = plan(hourly, due=run.occurrence_at, now=run.fire_at - SECOND, misfire=misfire("skip"))
    timely = plan(hourly, due=run.occurrence_at, now=run.fire_at + MINUTE, misfire=misfire("skip"))
    late = plan(hourly, due=run.occurrence_at, now=run.fire_at + MINUTE + SECOND, misfire=misfire("skip"))

    assert early == Plan((), 0, 0, None, run)
    assert (timely.runs, timely.missed) == ((run,), 0)
    assert (late.runs, late.missed, late.last_missed) == ((), 1, run.occurrence_at)


# --- however long it was ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timing", "away", "count"),
    [
        pytest.param(Interval(1, "seconds", NOON), 365 * DAY, 365 * 86_400, id="a year of seconds"),
        pytest.param(Crontab(timezone="Europe/Berlin"), 30 * DAY, 30 * 1440, id="a month of minutes"),
        pytest.param(Crontab(timezone="Europe/Berlin"), 3652 * DAY, 3652 * 1440, id="ten years of minutes"),
    ],
)
@pytest.mark.parametrize("policy", ["fire_once", "skip", "fire_all"])
def test_the_time_away_costs_nothing_and_counts_exactly(
    timing: Timing, away: timedelta, count: int, policy: Policy
) -> None:
    due = NOON + SECOND if isinstance(timing, Interval) else NOON + MINUTE
    window = None if policy != "fire_all" else HOUR
    jittered, rules = terms(timing, jitter=30 * SECOND), misfire(policy, window=window)

    def decide() -> tuple[float, Plan]:
        began = perf_counter()
        decided = plan(jittered, due=due, now=NOON + away, misfire=rules, limit=100)
        return perf_counter() - began, decided

    took, decided = min((decide() for _ in range(3)), key=lambda measured: measured[0])

    assert took < 0.05
    assert decided.following is not None
    undecided = timing.span(decided.following.occurrence_at - SECOND / 2, NOON + away).count
    assert len(decided.runs) + decided.coalesced + decided.missed + undecided == count
