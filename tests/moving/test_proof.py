"""Both schedulers' instants side by side: what is equal, and the name of each difference."""

from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.cron import CronTrigger

from scheduler_service.moving.found import FoundCron, FoundInterval, FoundTrigger
from scheduler_service.moving.proof import Proof, compared
from tests.moving.test_translation import BERLIN, NOW, proved

AUTUMN = datetime(2026, 10, 23, 12, 0, tzinfo=UTC)
SPRING = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def instants(*hours: float) -> list[datetime]:
    return [NOW + HOUR * number for number in hours]


def told(old: list[datetime], new: list[datetime], trigger: FoundTrigger) -> list[str | None]:
    return [row.reason for row in compared(old, new, trigger, after=NOW).rows]


def differences(proof: Proof) -> list[str | None]:
    return [row.reason for row in proof.differences]


def test_equal_instants_are_equal() -> None:
    proof = compared(instants(1, 2), instants(1, 2), FoundCron({"minute": "0"}, "UTC"), after=NOW)

    assert proof.is_equal


@pytest.mark.parametrize(("old", "new"), [((1, 2, 3), (1, 3)), ((1, 3), (1, 2, 3)), ((1, 2), (1, 2.5))])
def test_what_nobody_can_explain_is_not_explained(old: tuple[float, ...], new: tuple[float, ...]) -> None:
    proof = compared(instants(*old), instants(*new), FoundCron({"minute": "0"}, "UTC"), after=NOW)

    assert not proof.is_explained
    assert "unexplained" in differences(proof)


def test_another_minute_near_a_shift_is_not_explained_by_it_for_long() -> None:
    found, other = FoundCron({"hour": "9"}, BERLIN), CronTrigger(hour=9, minute=1, timezone=BERLIN)

    assert not proved(found, other, after=SPRING).is_explained


def test_a_repeated_hour_is_run_once_here() -> None:
    fields = {"hour": "2", "minute": "30"}

    proof = proved(FoundCron(fields, BERLIN), CronTrigger(**fields, timezone=BERLIN), after=AUTUMN)

    (row,) = proof.differences
    assert (row.old, row.new, row.reason) == (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), None, "dst_repeated")
    assert proof.is_explained


def test_what_follows_real_time_is_equal_through_a_repeated_hour() -> None:
    fields = {"minute": "*/20"}

    assert proved(FoundCron(fields, BERLIN), CronTrigger(**fields, timezone=BERLIN), after=AUTUMN).is_equal


def test_the_day_after_a_gap_that_apscheduler_misses_is_told() -> None:
    fields = {"day_of_week": "mon", "hour": "0"}

    proof = proved(FoundCron(fields, BERLIN), CronTrigger(**fields, timezone=BERLIN), after=SPRING)

    (row,) = proof.differences
    assert (row.old, row.new, row.reason) == (None, datetime(2026, 3, 29, 22, 0, tzinfo=UTC), "dst_gap")


def test_an_interval_counted_from_the_run_before_drifts() -> None:
    trigger = FoundInterval(HOUR)

    assert told(instants(1, 2, 3), instants(0.9, 1.9, 2.9), trigger) == ["drift"] * 3


def test_a_jitter_makes_the_old_one_late_by_as_much() -> None:
    trigger = FoundCron({"minute": "0"}, "UTC", jitter_seconds=600)

    assert told(instants(1.1, 2), instants(1, 2), trigger) == ["jitter", None]
    assert told(instants(1.3), instants(1), trigger) == ["unexplained", "unexplained"]


def test_a_shorter_look_is_compared_as_far_as_it_reaches() -> None:
    trigger = FoundCron({"minute": "0"}, "UTC")
    each_hour, each_two = instants(*range(1, 51)), instants(*range(2, 102, 2))

    rows = compared(each_hour, each_two, trigger, after=NOW).rows

    assert max(row.old or row.new or NOW for row in rows) == each_hour[-1]
