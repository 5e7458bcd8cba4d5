"""What one field of a crontab means, against Celery's own parser wherever that accepts it."""

import pytest
from celery.schedules import crontab_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler_service.timing.crontab_fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    HOUR,
    LAST,
    MINUTE,
    MONTH_OF_YEAR,
    BadField,
    Kind,
    parse,
)

ACCEPTED = [
    pytest.param(MINUTE, "*/15", {0, 15, 30, 45}, id="steps count from the lowest"),
    pytest.param(MINUTE, "1-10/3", {1, 4, 7, 10}, id="steps count from the start of a range"),
    pytest.param(MINUTE, "5/20", {5, 25, 45}, id="a number with a step runs to the end"),
    pytest.param(MINUTE, "*/90", {0}, id="a step beyond the range leaves its start"),
    pytest.param(MINUTE, "55-5/5", {55, 0, 5}, id="steps go on through a wrapping range"),
    pytest.param(HOUR, "22-2", {22, 23, 0, 1, 2}, id="hours wrap at midnight"),
    pytest.param(HOUR, "8,12-14,*/12", {0, 8, 12, 13, 14}, id="a list is a union"),
    pytest.param(HOUR, "08", {8}, id="leading zeros count for nothing"),
    pytest.param(DAY_OF_MONTH, "*/10", {1, 11, 21, 31}, id="days begin at 1"),
    pytest.param(DAY_OF_MONTH, "30-2", {30, 31, 1, 2}, id="days wrap at the 31st"),
    pytest.param(DAY_OF_MONTH, "?", set(range(1, 32)), id="a question mark is a star"),
    pytest.param(DAY_OF_MONTH, "15,L", {15, LAST}, id="L is the last day"),
    pytest.param(MONTH_OF_YEAR, "jan,Sept,DECEMBER", {1, 9, 12}, id="months by name"),
    pytest.param(MONTH_OF_YEAR, "jul,april", {7, 4}, id="names that end like L"),
    pytest.param(MONTH_OF_YEAR, "nov-feb", {11, 12, 1, 2}, id="months wrap at the new year"),
    pytest.param(DAY_OF_WEEK, "7", {0}, id="7 is Sunday"),
    pytest.param(DAY_OF_WEEK, "fri-mon", {5, 6, 0, 1}, id="weekdays wrap"),
    pytest.param(DAY_OF_WEEK, "5-7", {5, 6, 0}, id="a range up to Sunday as 7"),
    pytest.param(DAY_OF_WEEK, "7-2", {0, 1, 2}, id="a range from Sunday as 7"),
    pytest.param(DAY_OF_WEEK, "7-7", {0}, id="Sunday only, as a range"),
    pytest.param(DAY_OF_WEEK, "7-3/2", {0, 2}, id="steps from Sunday as 7"),
    pytest.param(DAY_OF_WEEK, "1/2", {1, 3, 5, 0}, id="a weekday with a step runs to Sunday"),
    pytest.param(DAY_OF_WEEK, "1-7/2", {1, 3, 5, 0}, id="every other day up to Sunday"),
    pytest.param(DAY_OF_WEEK, "*/2", {0, 2, 4, 6}, id="weekdays with an even number"),
    pytest.param(DAY_OF_WEEK, "tues,Thursday", {2, 4}, id="weekdays by name"),
]


@pytest.mark.parametrize(("kind", "text", "values"), ACCEPTED)
def test_a_field_stands_for_numbers(kind: Kind, text: str, values: set[int]) -> None:
    assert parse(kind, text).values == values


@pytest.mark.parametrize(
    ("text", "nth"),
    [
        pytest.param("5L", {(5, LAST)}, id="the last Friday"),
        pytest.param("friL,7l", {(5, LAST), (0, LAST)}, id="the last Friday and Sunday"),
        pytest.param("mon#1,3#5", {(1, 1), (3, 5)}, id="the first Monday and a fifth Wednesday"),
    ],
)
def test_weekdays_may_be_counted_within_the_month(text: str, nth: set[tuple[int, int]]) -> None:
    field = parse(DAY_OF_WEEK, text)

    assert field.nth == nth
    assert not field.values


REFUSED = [
    pytest.param(MINUTE, "", "is empty", id="nothing"),
    pytest.param(MINUTE, "60", "60 is not within 0-59", id="too large"),
    pytest.param(DAY_OF_MONTH, "0", "0 is not within 1-31", id="too small"),
    pytest.param(MINUTE, "1,,2", "empty part", id="an empty part"),
    pytest.param(MINUTE, "*/0", "step after /", id="a step of nothing"),
    pytest.param(MINUTE, "*/", "step after /", id="a missing step"),
    pytest.param(MINUTE, "*/x", "step after /", id="a step by name"),
    pytest.param(MINUTE, "-5", "not understood", id="a negative number"),
    pytest.param(MINUTE, "*-5", "not understood", id="a range from a star"),
    pytest.param(MINUTE, "1-5-7", "not understood", id="a range with three ends"),
    pytest.param(MINUTE, "٣", "not understood", id="digits of another script"),
    pytest.param(MINUTE, "?", "not understood", id="a question mark for minutes"),
    pytest.param(MINUTE, "jan", "not a number", id="a month as a minute"),
    pytest.param(DAY_OF_WEEK, "monkey", "not a number or a name", id="a word that begins like a name"),
    pytest.param(DAY_OF_WEEK, "8", "8 is not within 0-7", id="an eighth weekday"),
    pytest.param(DAY_OF_WEEK, "L", "not a number or a name", id="a last weekday without the weekday"),
    pytest.param(DAY_OF_WEEK, "mon#6", "must be 1 to 5", id="a sixth Monday"),
    pytest.param(DAY_OF_WEEK, "mon#", "must be 1 to 5", id="a Monday without its place"),
    pytest.param(DAY_OF_MONTH, "L/2", "not a number", id="steps over the last day"),
    pytest.param(MINUTE, "1," * 100 + "1", "201 characters", id="an absurd length"),
    pytest.param(MINUTE, "9" * 150, "is not within", id="an absurd number"),
]


@pytest.mark.parametrize(("kind", "text", "reason"), REFUSED)
def test_a_bad_field_is_refused_with_its_reason(kind: Kind, text: str, reason: str) -> None:
    with pytest.raises(BadField, match=reason):
        parse(kind, text)


@st.composite
def any_field(draw: st.DrawFn) -> tuple[Kind, str]:
    kind = draw(st.sampled_from([MINUTE, HOUR, DAY_OF_MONTH, MONTH_OF_YEAR, DAY_OF_WEEK]))
    number = st.integers(kind.low, kind.high).map(str)
    word = number | st.sampled_from(sorted(kind.names)).map(lambda name: name[:3]) if kind.names else number
    span = st.just("*") | st.tuples(word, word).map("-".join)
    stepped = st.tuples(span, st.integers(1, 70).map(str)).map("/".join)
    return kind, draw(st.lists(word | span | stepped, min_size=1, max_size=4).map(",".join))


@settings(max_examples=400, deadline=None)
@given(any_field())
def test_a_field_means_what_it_means_to_celery(field: tuple[Kind, str]) -> None:
    kind, text = field

    theirs = crontab_parser(kind.high - kind.low + 1, kind.low).parse(text)

    assert parse(kind, text).values == theirs
