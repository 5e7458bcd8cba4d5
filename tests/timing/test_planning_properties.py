"""A plan against the rules read out literally, one occurrence at a time."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.planning import Misfire, Occurrence, Plan, Policy, Terms, first, plan, upcoming
from scheduler_service.timing.timings import Timing

DUE = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # an hour before Berlin's clocks go back
TICK = timedelta(microseconds=1)

TIMINGS: list[Timing] = [
    Interval(7, "seconds", DUE),
    Interval(10, "minutes", DUE + timedelta(seconds=11)),
    Crontab.parse("*/5 * * * *", timezone="Europe/Berlin"),
    Crontab.parse("0,20,40 2,3 * * *", timezone="Europe/Berlin"),
    Clocked(DUE + timedelta(minutes=9)),
]

bounded = settings(max_examples=300, deadline=None)
spans = st.integers(0, 12_000).map(lambda seconds: timedelta(seconds=seconds)) | st.just(timedelta())
policies: st.SearchStrategy[Policy] = st.sampled_from(["fire_once", "fire_all", "skip"])
misfires = st.builds(Misfire, policies, spans, st.none() | spans)


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    start = draw(st.none() | spans)
    end = draw(st.none() | spans)
    return Terms(
        timing=draw(st.sampled_from(TIMINGS)),
        start_time=None if start is None else DUE + start,
        expires=None if end is None else DUE + end,
        jitter=draw(spans),
        schedule_id=draw(st.integers(1, 99)),
    )


def literal(terms: Terms, now: datetime, misfire: Misfire) -> Plan:
    """The plan without a limit, by the words of the rules."""
    everything = upcoming(terms, after=DUE - TICK, count=3000)
    decided = [run for run in everything if run.fire_at <= now]
    late = [run for run in decided if now - run.fire_at > misfire.grace]
    kept = [run for run in late if misfire.window is None or now - run.fire_at <= misfire.window]
    on_time = [run for run in decided if run not in late]
    runs, coalesced = on_time, 0
    if misfire.policy == "fire_all":
        runs = kept + on_time
    elif misfire.policy == "fire_once":
        runs = on_time or kept[-1:]
        coalesced = len([run for run in kept if run not in runs])
    missed = late if misfire.policy == "skip" else [run for run in late if run not in kept]
    following = next((run for run in everything if run not in decided), None)
    return Plan(tuple(runs), coalesced, len(missed), missed[-1].occurrence_at if missed else None, following)


@bounded
@given(any_terms(), spans, misfires)
def test_a_plan_is_what_the_rules_say(terms: Terms, away: timedelta, misfire: Misfire) -> None:
    now = DUE + away

    assert plan(terms, due=DUE, now=now, misfire=misfire, limit=3000) == literal(terms, now, misfire)


@bounded
@given(any_terms(), spans, misfires, st.integers(1, 40))
def test_plans_go_on_until_nothing_is_due(terms: Terms, away: timedelta, misfire: Misfire, limit: int) -> None:
    """Whatever the limit, each occurrence is decided exactly once, in order."""
    now, due, decided = DUE + away, DUE, 0
    runs: list[Occurrence] = []
    while True:
        part = plan(terms, due=due, now=now, misfire=misfire, limit=limit)
        assert len(part.runs) <= limit
        decided += len(part.runs) + part.coalesced + part.missed
        runs += part.runs
        if part.following is None or part.following.fire_at > now:
            break
        assert part.following.occurrence_at > due
        due = part.following.occurrence_at

    expected = [run for run in upcoming(terms, after=DUE - TICK, count=3000) if run.fire_at <= now]
    assert decided == len(expected)
    assert runs == [run for run in expected if run in runs]


@bounded
@given(any_terms(), spans)
def test_a_preview_is_the_first_again_and_again(terms: Terms, away: timedelta) -> None:
    after, found = DUE + away, []
    for _ in range(5):
        following = first(terms, after=after)
        if following is None:
            break
        found.append(following)
        after = following.occurrence_at

    assert upcoming(terms, after=DUE + away, count=5) == found
    assert all(earlier.fire_at < later.occurrence_at for earlier, later in pairwise(found))
