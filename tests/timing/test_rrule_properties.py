"""Recurrence rules against dateutil's plain expansion, from DTSTART on and one by one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

from dateutil.rrule import rrulestr
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from scheduler_service.errors import InvalidTiming
from scheduler_service.timing import zones
from scheduler_service.timing.rrule import Rrule

TICK = timedelta(microseconds=1)
ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/Nuuk"]
FREQUENCIES = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]
LONGEST = {"YEARLY": 3, "MONTHLY": 14, "WEEKLY": 8, "DAILY": 40, "HOURLY": 50, "MINUTELY": 3000, "SECONDLY": 100_000}

bounded = settings(max_examples=200, deadline=None)


def listed(low: int, high: int, *, most: int = 4, from_end: bool = False) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    signed = number | number.map(lambda value: -value) if from_end else number
    return st.lists(signed, min_size=1, max_size=most, unique=True).map(lambda found: ",".join(map(str, found)))


@st.composite
def recurrences(draw: st.DrawFn) -> str:
    freq = draw(st.sampled_from(FREQUENCIES))
    parts = {"FREQ": freq}
    places = ["", "", "1", "-1", "2"] if freq in ("YEARLY", "MONTHLY") else [""]
    weekday = st.tuples(st.sampled_from(places), st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])).map(
        "".join
    )
    choices = {
        "INTERVAL": st.integers(1, LONGEST[freq]).map(str),
        "WKST": st.sampled_from(["MO", "SU", "WE"]),
        "BYDAY": st.lists(weekday, min_size=1, max_size=3, unique=True).map(",".join),
        "BYMONTH": listed(1, 12),
        "BYMONTHDAY": listed(1, 28, from_end=True),
        "BYHOUR": listed(0, 23),
        "BYMINUTE": listed(0, 59),
        "BYSECOND": listed(0, 59),
        "BYSETPOS": listed(1, 5, most=2, from_end=True),
        "BYYEARDAY": listed(1, 365, most=9, from_end=True),
    }
    if freq == "YEARLY" and not any(places):
        choices["BYWEEKNO"] = listed(1, 52, from_end=True)
    for name in draw(st.lists(st.sampled_from(list(choices)), max_size=3, unique=True)):
        parts[name] = draw(choices[name])
    if draw(st.integers(0, 3)) == 0:
        parts["COUNT"] = str(draw(st.integers(1, 60)))
    return "RRULE:" + ";".join(f"{name}={value}" for name, value in parts.items())


days = st.datetimes(datetime(2023, 1, 1), datetime(2026, 12, 31))  # noqa: DTZ001
starts = (days | days.map(lambda at: at.replace(month=12, day=31))).map(lambda at: at.replace(microsecond=0))


def stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S}"


def expanded(text: str, zone: str, count: int) -> list[datetime]:
    """The first instants of dateutil's local times, by the rule for shifts of the clocks.

    No more are asked for than there are: where nothing matches any more, dateutil searches for minutes.
    """
    instants: list[datetime] = []
    local_times = iter(rrulestr(text.replace(f";TZID={zone}", "")))
    while len(instants) < count:
        instant = zones.resolve(next(local_times), zones.load(zone))
        if not instants or instants[-1] != instant:  # a gap makes one of several
            instants.append(instant)
    return instants


def walk(rule: Rrule, after: datetime, until: datetime) -> Iterator[datetime]:
    while (following := rule.next_after(after)) is not None and following <= until:
        yield (after := following)


def made(text: str) -> Rrule:
    """The rule; what never comes, and is refused, proves nothing here."""
    try:
        return Rrule(text)
    except InvalidTiming:
        reject()


@bounded
@given(starts, recurrences(), st.sampled_from(ZONES))
def test_a_rule_names_what_dateutil_does(start: datetime, recurrence: str, zone: str) -> None:
    text = f"DTSTART;TZID={zone}:{stamp(start)}\n{recurrence}"
    rule, begin = made(text), start.replace(tzinfo=UTC) - timedelta(days=2)
    horizon = timedelta(days=3 if "LY;" in recurrence and recurrence[11:13] in ("MI", "SE") else 900)

    found = list(islice(walk(rule, begin, begin + horizon), 40))

    assert found == expanded(text, zone, len(found))


@bounded
@given(starts, st.lists(recurrences(), min_size=1, max_size=3), st.sampled_from(ZONES), st.data())
def test_lines_add_up_and_take_away(start: datetime, lines: list[str], zone: str, data: st.DataObject) -> None:
    head, begin = f"DTSTART;TZID={zone}:{stamp(start)}", start.replace(tzinfo=UTC) - timedelta(days=2)
    until = begin + timedelta(days=data.draw(st.integers(1, 400)))
    single = [at for line in lines for at in islice(walk(made(f"{head}\n{line}"), begin, until), 60)]
    added = begin + timedelta(seconds=data.draw(st.integers(1, 200_000)))
    left_out = data.draw(st.lists(st.sampled_from(single), max_size=2)) if single else []
    lines = [*lines, f"RDATE:{stamp(added)}Z", *(f"EXDATE:{stamp(at)}Z" for at in left_out)]
    if added.astimezone(zones.load(zone)).fold:
        reject()

    rule = made("\n".join([head, *lines]))

    expected = sorted({*single, added} - set(left_out))[:50]
    expected = [at for at in expected if at <= until]
    assert list(islice(walk(rule, begin, until), len(expected))) == expected


@bounded
@given(starts, recurrences(), st.sampled_from(ZONES), st.integers(0, 400), st.integers(0, 4_000_000))
def test_a_span_counts_what_a_walk_meets(start: datetime, line: str, zone: str, days: int, seconds: int) -> None:
    rule = made(f"DTSTART;TZID={zone}:{stamp(start)}\n{line}")
    after = start.replace(tzinfo=UTC) + timedelta(days=days, seconds=seconds) - timedelta(days=20)
    met = list(islice(walk(rule, after, after + timedelta(days=4000)), 100))
    if not met:
        reject()

    span = rule.span(after, met[-1])

    assert (span.count, span.last) == (len(met), met[-1])
    assert rule.span(after, met[-1] - TICK).count == len(met) - 1
    assert all(earlier < later for earlier, later in pairwise(met))
