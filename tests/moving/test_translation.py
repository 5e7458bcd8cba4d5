"""What each trigger becomes, and that it comes at the instants of the real APScheduler."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scheduler_service.moving.found import (
    FoundCalendarInterval,
    FoundCombination,
    FoundCron,
    FoundCrontab,
    FoundDate,
    FoundInterval,
    FoundJob,
    FoundRrule,
    FoundSolar,
    FoundTrigger,
    Unreadable,
)
from scheduler_service.moving.mapping import JobMapping, Mapping
from scheduler_service.moving.proof import Proof, compared, upcoming
from scheduler_service.moving.translation import Translation, translate

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def job(trigger: FoundTrigger, **fields: Any) -> FoundJob:
    return FoundJob(**{"id": "orders", "name": "orders", "trigger": trigger, "task": "shop.collect"} | fields)


def cron(zone: str = "UTC", **fields: str) -> FoundCron:
    return FoundCron(fields, zone)


def translated(trigger: FoundTrigger, **fields: Any) -> Translation:
    return translate(job(trigger, **fields), Mapping())


def timing_of(trigger: FoundTrigger, **fields: Any) -> dict[str, Any]:
    found = translated(trigger, **fields)
    assert found.document is not None, found.losses
    assert found.document.timing is not None
    return found.document.timing.model_dump(exclude_unset=True, mode="json")


def codes(found: Translation) -> list[str]:
    return [note.code for note in found.losses]


def fire_times(trigger: Any, after: datetime, count: int) -> list[datetime]:
    """As APScheduler goes from each to the next."""
    found: list[datetime] = []
    at = trigger.get_next_fire_time(None, after)
    while at is not None and len(found) < count:
        found.append(at.astimezone(UTC))
        at = trigger.get_next_fire_time(at, at)
    return found


def proved(found: FoundTrigger, real: Any, *, after: datetime = NOW, count: int = 50) -> Proof:
    document = translated(found).document
    assert document is not None
    before = after - timedelta(microseconds=1)  # APScheduler's first may be at this very instant
    new = upcoming(document, after=before, count=count)
    return compared(fire_times(real, after, count), new, found, after=before)


@pytest.mark.parametrize(
    ("fields", "expression"),
    [
        pytest.param({"hour": "2"}, "0 2 * * *", id="finer fields have their least value"),
        pytest.param({"minute": "*/5"}, "*/5 * * * *", id="coarser fields are open"),
        pytest.param({"month": "jan-mar"}, "0 0 1 jan-mar *", id="a month's first midnight"),
        pytest.param({"day_of_week": "0-4", "hour": "9"}, "0 9 * * mon-fri", id="0 is Monday"),
        pytest.param({"day_of_week": "6", "hour": "9"}, "0 9 * * sun", id="6 is Sunday"),
        pytest.param({"day": "last"}, "0 0 L * *", id="the last day"),
        pytest.param({"day": "2nd fri", "hour": "8"}, "0 8 * * fri#2", id="a weekday's place"),
        pytest.param({"day": "last fri", "hour": "8"}, "0 8 * * friL", id="the last of its weekdays"),
        pytest.param({"hour": "0-23", "minute": "0"}, "0 * * * *", id="everything is a star"),
        pytest.param({"hour": "8, 20", "minute": "15-45/15"}, "15-45/15 8,20 * * *", id="in the words of the job"),
    ],
)
def test_a_cron_is_a_crontab(fields: dict[str, str], expression: str) -> None:
    found = timing_of(cron(BERLIN, **fields))

    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    assert (found["type"], found["timezone"]) == ("crontab", BERLIN)
    assert " ".join(found[name] for name in names) == expression


def test_a_day_or_a_weekdays_place_matches_either() -> None:
    found = timing_of(cron(day="15,1st mon"))

    assert (found["day_of_month"], found["day_of_week"], found["day_match"]) == ("15", "mon#1", "or")


@pytest.mark.parametrize(
    ("fields", "step"),
    [
        pytest.param({"second": "*/10"}, 10, id="seconds"),
        pytest.param({"second": "*"}, 1, id="every second"),
        pytest.param({"minute": "*/15", "second": "30"}, 900, id="minutes at a second"),
        pytest.param({"minute": "7", "second": "30"}, 3600, id="once an hour"),
    ],
)
def test_what_is_evenly_spaced_is_an_interval(fields: dict[str, str], step: int) -> None:
    document = translated(cron(BERLIN, **fields)).document

    assert document is not None
    instants = upcoming(document, after=datetime(2026, 10, 25, 0, 0, tzinfo=UTC), count=50)
    assert {later - sooner for sooner, later in pairwise(instants)} == {timedelta(seconds=step)}
    assert proved(cron(BERLIN, **fields), CronTrigger(**fields, timezone=BERLIN)).is_equal


def test_seconds_at_times_of_the_day_are_a_rule() -> None:
    found = timing_of(cron(BERLIN, hour="9-17", minute="0,30", second="15"))

    assert found["type"] == "rrule"
    assert "BYSECOND=15" in found["rule"]


def test_years_are_limits() -> None:
    document = translated(cron(BERLIN, year="2027-2028", month="6", day="1")).document

    assert document is not None
    assert [document.start_time, document.expires] == [
        datetime(2026, 12, 31, 23, 0, tzinfo=UTC),
        datetime(2028, 12, 31, 22, 59, 59, tzinfo=UTC),
    ]


def test_an_interval_keeps_its_phase_and_end() -> None:
    start, end = NOW + timedelta(minutes=7), NOW + timedelta(days=2)
    document = translated(FoundInterval(timedelta(minutes=90), start=start, end=end)).document

    assert document is not None
    assert timing_of(FoundInterval(timedelta(minutes=90), start=start)) == {
        "type": "interval",
        "every": 90,
        "period": "minutes",
    }
    assert (document.start_time, document.expires) == (start, end)


def test_an_interval_whose_next_run_was_set_counts_from_that() -> None:
    trigger = FoundInterval(timedelta(minutes=10), start=NOW)
    said = Mapping(jobs={"shop:collect": JobMapping(task="shop.collect")})
    moved = job(trigger, task=None, function="shop:collect", next_run_at=NOW + timedelta(minutes=3))
    found = translate(moved, said)

    assert found.document is not None
    assert upcoming(found.document, after=NOW, count=2) == [NOW + timedelta(minutes=3), NOW + timedelta(minutes=13)]
    assert "phase" in [note.code for note in found.notes]


def test_celerys_intervals_keep_the_phase_of_the_last_run_and_stop_drifting() -> None:
    trigger = FoundInterval(timedelta(minutes=10), start=NOW)
    found = translated(trigger, last_run_at=NOW)

    assert found.document is not None
    assert upcoming(found.document, after=NOW, count=1) == [NOW + timedelta(minutes=10)]
    assert "drift" in [note.code for note in found.notes]


def test_an_interval_of_less_than_a_second_is_clamped() -> None:
    trigger = FoundInterval(timedelta(milliseconds=500), start=NOW)
    found = translated(trigger)

    assert codes(found) == ["clamped"]
    assert found.document is not None
    old = [NOW + trigger.every * n for n in range(50)]
    told = compared(old, upcoming(found.document, after=NOW, count=50), trigger, after=NOW)
    assert {row.reason for row in told.rows} == {"clamped"}


def test_a_date_is_once_at_the_instant_it_was_moved_to() -> None:
    found = timing_of(FoundDate(NOW + timedelta(days=1)), next_run_at=NOW + timedelta(days=2))

    assert found == {"type": "clocked", "clocked_time": "2026-03-04T12:00:00Z"}


@pytest.mark.parametrize(
    ("apart", "kind"),
    [({"months": 1}, "MONTHLY;INTERVAL=1"), ({"years": 1}, "MONTHLY;INTERVAL=12"), ({"weeks": 2}, "DAILY;INTERVAL=14")],
)
def test_a_calendar_interval_is_a_rule(apart: dict[str, int], kind: str) -> None:
    start = datetime(2026, 1, 31, tzinfo=ZoneInfo(BERLIN))
    years, months, weeks, days = (apart.get(name, 0) for name in ("years", "months", "weeks", "days"))
    found = FoundCalendarInterval(years, months, weeks, days, (8, 30, 15), BERLIN, start)
    real = CalendarIntervalTrigger(**apart, hour=8, minute=30, second=15, timezone=BERLIN, start_date=start.date())

    assert kind in timing_of(found)["rule"]
    assert proved(found, real, after=start.astimezone(UTC)).is_equal


def test_months_and_days_together_are_refused() -> None:
    found = FoundCalendarInterval(0, 1, 0, 3, (8, 0, 0), "UTC", start=NOW)

    assert translated(found).document is None
    assert codes(translated(found)) == ["calendar"]


def test_crons_that_differ_in_one_field_are_merged() -> None:
    parts = (cron(BERLIN, hour="8", minute="30"), cron(BERLIN, hour="20", minute="30"))
    real = OrTrigger([CronTrigger(**part.fields, timezone=BERLIN) for part in parts])

    found = timing_of(FoundCombination("or", parts))

    assert (found["type"], found["hour"], found["minute"]) == ("crontab", "8,20", "30")
    assert proved(FoundCombination("or", parts), real).is_equal


def test_crons_that_differ_in_more_are_one_rule() -> None:
    parts = (cron(hour="9-17", minute="*/10"), cron(minute="0"), cron(day="1st mon", hour="3", minute="7"))
    real = OrTrigger([CronTrigger(**part.fields, timezone="UTC") for part in parts])

    assert timing_of(FoundCombination("or", parts))["rule"].count("RRULE") == 3
    assert proved(FoundCombination("or", parts), real).is_equal


def test_crons_that_must_agree_are_one() -> None:
    parts = (cron(day_of_week="mon-fri", hour="9", minute="0-30/10"), cron(day="1-7", hour="*", minute="*/20"))
    real = AndTrigger([CronTrigger(**part.fields, timezone="UTC") for part in parts])

    found = translated(FoundCombination("and", parts)).document
    assert found is not None
    first = real.get_next_fire_time(None, NOW)
    assert upcoming(found, after=NOW, count=1) == [first]


def test_crons_that_never_agree_are_refused() -> None:
    found = translated(FoundCombination("and", (cron(hour="9"), cron(hour="10"))))

    assert (found.document, codes(found)) == (None, ["trigger"])


@pytest.mark.parametrize(
    ("trigger", "is_told"),
    [
        pytest.param(FoundCombination("and", (cron(hour="8-12"), cron(day_of_week="0"))), True, id="not together"),
        pytest.param(FoundCombination("and", (cron(second="*/30"), cron(second="0,30"))), False, id="together"),
        pytest.param(FoundCombination("and", (cron(hour="9"), cron(hour="9", zone=BERLIN))), True, id="other zones"),
        pytest.param(
            FoundCombination("or", (cron(hour="9"), FoundCombination("and", (cron(hour="8"), cron(day="1"))))),
            True,
            id="inside of an or",
        ),
        pytest.param(FoundCombination("or", (cron(hour="9"), cron(hour="10"))), False, id="an or"),
    ],
)
def test_an_and_that_hangs_its_own_process_is_told(trigger: FoundTrigger, is_told: bool) -> None:
    notes = {note.code: note for note in translated(trigger).notes}

    assert ("and_hangs" in notes) is is_told
    assert not is_told or "its whole process hangs" in notes["and_hangs"].text


def test_an_interval_in_a_combination_is_refused() -> None:
    found = translated(FoundCombination("or", (cron(hour="9"), FoundInterval(timedelta(hours=1)))))

    assert (found.document, codes(found)) == (None, ["combination"])
    assert found.losses[0].remedy


@pytest.mark.parametrize(
    ("trigger", "timing"),
    [
        (
            FoundCrontab("0", "9", "*", "*", "1-5", BERLIN),
            {"type": "crontab", "day_of_week": "1-5", "timezone": BERLIN},
        ),
        (FoundSolar("sunset", 52.5, 13.4), {"type": "solar", "event": "sunset", "latitude": 52.5}),
        (FoundRrule("DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY"), {"type": "rrule"}),
    ],
    ids=["crontab", "solar", "rrule"],
)
def test_what_is_the_same_here_stays(trigger: FoundTrigger, timing: dict[str, Any]) -> None:
    assert timing.items() <= timing_of(trigger).items()


def test_what_cannot_be_read_says_why() -> None:
    found = translated(Unreadable("It is pickled."))

    assert (found.document, found.losses[0].text) == (None, "It is pickled.")


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, {"misfire_policy": "fire_once", "catchup_window_seconds": 60, "overlap_policy": "skip"}),
        ({"misfire_grace_seconds": 30}, {"misfire_policy": "fire_once", "catchup_window_seconds": 30}),
        ({"misfire_grace_seconds": None}, {"misfire_policy": "fire_once", "catchup_window_seconds": None}),
        (
            {"coalesce": False, "misfire_grace_seconds": 60},
            {"misfire_policy": "fire_all", "catchup_window_seconds": 60},
        ),
        ({"max_instances": None}, {"overlap_policy": "allow_all"}),
        ({"paused": True}, {"enabled": False, "paused_reason": "paused where it comes from"}),
        ({"fields": {"start_time": NOW, "one_off": True}}, {"start_time": NOW, "one_off": True}),
        ({"fields": {"queue": "heavy", "priority": 3, "tags": ["shop"]}}, {"queue": "heavy", "tags": ["shop"]}),
    ],
)
def test_options_are_kept(fields: dict[str, Any], kept: dict[str, Any]) -> None:
    document = translated(cron(hour="9"), **fields).document

    assert document is not None
    assert kept.items() <= document.model_dump().items()


def test_what_options_cannot_be_kept_is_told() -> None:
    found = translated(cron(hour="9"), max_instances=3, fields={"colour": "red"}, problems=("Its listener is gone.",))

    assert found.document is not None
    assert sorted(codes(found)) == ["field", "max_instances", "unreadable"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"id": "c42", "name": "Collect orders", "function": "shop:collect"}, "Collect orders"),
        ({"id": "c42", "name": "collect", "function": "shop:collect"}, "c42"),
        ({"id": "0f" * 16, "name": "collect", "function": "shop:collect"}, "collect 0f0f0f0f"),
        ({"id": "7", "name": "nightly"}, "nightly"),
    ],
)
def test_the_name_is_the_one_that_people_know(fields: dict[str, Any], name: str) -> None:
    document = translated(cron(hour="9"), **fields).document

    assert document is not None
    assert document.name == name


def test_the_mapping_says_what_a_function_is_called_here() -> None:
    mapping = Mapping(
        jobs={
            "shop.jobs:collect": JobMapping(task="collect.execute_task", queue="default", args=[1]),
            "c42": JobMapping(args=[42], name="orders", tags=["moved"]),
        }
    )
    found = translate(job(cron(hour="9"), id="c42", function="shop.jobs:collect", task=None, args=["shop"]), mapping)

    assert found.document is not None
    kept = {"task": "collect.execute_task", "queue": "default", "args": [42], "name": "orders", "tags": ["moved"]}
    assert kept.items() <= found.document.model_dump().items()


def test_what_the_mapping_has_to_say_is_told() -> None:
    found = translated(cron(hour="9"), task=None, function="shop:collect", args=Unreadable("a pickle"))

    assert (found.document, found.wanted) == (None, ("task", "args"))


def test_what_is_skipped_becomes_nothing() -> None:
    assert translate(job(cron(hour="9")), Mapping(jobs={"orders": JobMapping(skip=True)})).skipped


ZONES = ["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo", "America/Sao_Paulo"]
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@st.composite
def numbers(draw: st.DrawFn, low: int, high: int) -> str:
    number = st.integers(low, high)
    listed = st.lists(number, min_size=1, max_size=3).map(lambda found: ",".join(map(str, found)))
    ranged = st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}")
    return draw(listed | ranged | st.just("*") | st.integers(2, high - low).map(lambda step: f"*/{step}"))


@st.composite
def fields_of_crons(draw: st.DrawFn) -> dict[str, str]:
    places = st.builds("{} {}".format, st.sampled_from(["1st", "2nd", "3rd", "4th", "last"]), st.sampled_from(WEEKDAYS))
    kinds = {
        "month": numbers(1, 12),
        "day": numbers(1, 28) | places | st.just("last"),
        "week": numbers(1, 52),
        "day_of_week": numbers(0, 6) | st.just("mon-fri"),
        "hour": numbers(0, 23) | st.sampled_from(["1", "2", "3", "0-3", "*/6"]),
        "minute": numbers(0, 59),
        "second": st.just("0") | numbers(0, 59),
    }
    usual = st.lists(st.sampled_from(["day_of_week", "hour", "minute", "second"]), min_size=1, max_size=4, unique=True)
    rare = st.lists(st.sampled_from(["month", "day", "week"]), max_size=1)
    return {name: draw(kinds[name]) for name in [*draw(usual), *draw(rare)]}


@given(fields=fields_of_crons(), zone=st.sampled_from(ZONES), hours=st.integers(0, 24 * 365))
@example(fields={"hour": "2", "minute": "30"}, zone=BERLIN, hours=24 * 27)
@example(fields={"hour": "2", "minute": "30"}, zone=BERLIN, hours=24 * 236)
@example(fields={"day_of_week": "*/2"}, zone="UTC", hours=0)
@example(fields={"minute": "*/20"}, zone="Australia/Lord_Howe", hours=24 * 33)
@settings(max_examples=150, deadline=None)
def test_a_translated_cron_comes_when_apschedulers_does(fields: dict[str, str], zone: str, hours: int) -> None:
    found = translated(FoundCron(fields, zone))
    if found.document is None:
        assert codes(found) == ["trigger"]
        return
    after = NOW + timedelta(hours=hours)

    told = proved(FoundCron(fields, zone), CronTrigger(**fields, timezone=zone), after=after, count=50)

    assert told.is_explained, [row for row in told.differences if row.reason == "unexplained"]
