"""A crontab as a value: what is equal, and what is refused at once, field by field."""

import pickle

import pytest

from scheduler_service.errors import FieldProblem, InvalidTiming
from scheduler_service.timing.crontab import ALIASES, Crontab


def test_equal_crontabs_are_one_value() -> None:
    crontab = Crontab.parse(" */5  9-17 * *  mon-fri ", timezone="Asia/Tokyo", day_match="or")

    assert crontab == Crontab(" */5", "9-17 ", "*", "*", "mon-fri", "Asia/Tokyo", "or")
    assert len({crontab, pickle.loads(pickle.dumps(crontab))}) == 1
    assert crontab.expression == "*/5 9-17 * * mon-fri"
    assert crontab != Crontab.parse("*/5 9-17 * * mon-fri", timezone="Asia/Seoul", day_match="or")


def test_spaces_around_commas_count_for_nothing() -> None:
    assert Crontab("0", "9, 17") == Crontab("0", "9,17")


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_its_expression(alias: str) -> None:
    assert Crontab.parse(alias.upper()) == Crontab.parse(ALIASES[alias])


def problems(crontab: dict[str, str]) -> list[FieldProblem]:
    with pytest.raises(InvalidTiming) as refused:
        Crontab(**crontab)  # type: ignore[arg-type]
    return refused.value.problems


def test_every_bad_field_is_named_with_a_reason_and_an_example() -> None:
    bad = {"minute": "61", "day_of_week": "funday", "timezone": "Europe/Berln", "day_match": "xor"}

    assert problems(bad) == [
        FieldProblem("minute", "61 is not within 0-59", "*/15"),
        FieldProblem("day_of_week", "'funday' is not a number or a name", "mon-fri"),
        FieldProblem("day_match", "'xor' is neither 'and' nor 'or'", "and"),
        FieldProblem(
            "timezone",
            "'Europe/Berln' is not a known time zone; near to it: Europe/Berlin, Europe/Dublin, Europe/Belfast",
            "Europe/Berlin",
        ),
    ]


@pytest.mark.parametrize("hour", ["1 5", "9 - 17", "*/ 2"])
def test_spaces_elsewhere_are_refused_rather_than_closed_up(hour: str) -> None:
    assert [problem.field for problem in problems({"hour": hour})] == ["hour"]


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("0 0 31 2 *", id="31 February"),
        pytest.param("0 0 30,31 2 *", id="30 and 31 February"),
        pytest.param("0 0 31 4,6,9,11 *", id="the 31st of short months"),
        pytest.param("0 0 29 feb mon#1", id="a first Monday on the 29th"),
        pytest.param("0 0 1 * monL", id="a last Monday on the 1st"),
    ],
)
def test_what_never_comes_is_refused(expression: str) -> None:
    with pytest.raises(InvalidTiming, match="never comes") as refused:
        Crontab.parse(expression)

    assert refused.value.problems[0].field == "day_of_month"


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        pytest.param("* * * *", "has 4 fields", id="too few fields"),
        pytest.param("0 * * * * *", "has 6 fields", id="seconds"),
        pytest.param("", "has 0 fields", id="nothing"),
        pytest.param("@reboot", "'@reboot' is not one of @hourly", id="an alias that names no time"),
        pytest.param("1," * 5000, "is 10000 characters long", id="an absurd length"),
    ],
)
def test_a_bad_expression_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(InvalidTiming, match=reason) as refused:
        Crontab.parse(expression)

    assert refused.value.problems[0].field == "expression"
