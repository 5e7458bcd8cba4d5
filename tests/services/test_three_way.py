"""Two people change one document at once: each keeps what only they changed, and what collides is told."""

from typing import Any

import pytest

from scheduler_service.services.three_way import compare, merged

READ: dict[str, Any] = {
    "name": "orders",
    "timing": {"type": "crontab", "hour": "2", "minute": "0"},
    "kwargs": {"days": 3},
    "priority": 5,
}


def test_what_each_changed_alone_is_merged() -> None:
    theirs = READ | {"priority": 7, "timing": READ["timing"] | {"minute": "30"}}
    mine = READ | {"kwargs": {"days": 0, "new": True}, "timing": READ["timing"] | {"hour": "5"}}

    both = merged(READ, theirs, mine)

    assert both == {
        "name": "orders",
        "timing": {"type": "crontab", "hour": "5", "minute": "30"},
        "kwargs": {"days": 0, "new": True},
        "priority": 7,
    }
    assert not any(one.collides for one in compare(READ, theirs, mine))


def test_what_both_changed_collides_unless_it_is_the_same() -> None:
    theirs = READ | {"priority": 7, "name": "alike", "timing": READ["timing"] | {"hour": "3"}}
    mine = READ | {"priority": 8, "name": "alike", "timing": READ["timing"] | {"hour": "5"}}

    collisions = {one.field: (one.read, one.theirs, one.mine) for one in compare(READ, theirs, mine) if one.collides}

    assert collisions == {"priority": (5, 7, 8), "timing.hour": ("2", "3", "5")}
    assert merged(READ, theirs, mine, take=["timing.hour"])["timing"]["hour"] == "3"
    assert merged(READ, theirs, mine, take=["timing.hour"])["priority"] == 8


def test_timings_of_two_types_are_one_field() -> None:
    theirs = READ | {"timing": {"type": "interval", "every": 5, "period": "minutes"}}
    mine = READ | {"timing": READ["timing"] | {"hour": "5"}}

    (one,) = compare(READ, theirs, mine)

    assert (one.field, one.collides) == ("timing", True)
    assert merged(READ, theirs, mine)["timing"] == mine["timing"]
    assert merged(READ, theirs, mine, take=["timing"])["timing"] == theirs["timing"]


@pytest.mark.parametrize("gone", [{"timing": None}, {"kwargs": {}}])
def test_what_they_removed_is_removed(gone: dict[str, Any]) -> None:
    assert merged(READ, READ | gone, READ) == READ | gone


def test_one_and_true_are_not_the_same() -> None:
    (one,) = compare({"a": 1}, {"a": True}, {"a": 1})

    assert one.theirs_changed
    assert not one.mine_changed
