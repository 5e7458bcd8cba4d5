"""How many schedules there are of what somebody looks for, in each state; and few that are looked for once."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from scheduler_service.storage import schedule_lists
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.schedule_lists import FEW, Order, ScheduleFilter
from scheduler_service.storage.schedules import STATES, state_of
from scheduler_service.storage.session import Database
from tests.support.rows import given_schedule, given_schedules

#: Each breaks the row in one more way; what is said first counts.
WHY: tuple[dict[str, Any], ...] = (
    {},
    {"completed_reason": "done"},
    {"completed_reason": "done", "quarantine_reason": "unreadable"},
    {"completed_reason": "done", "quarantine_reason": "unreadable", "enabled": False},
)


@pytest.fixture
def mixed(held_database: Database) -> Database:
    """One, two, three and four in the states; the last of each is called by another word, in its own way."""
    called: tuple[dict[str, Any], ...] = (
        {"name": "a Needle"}, {"task": "sample.needle"}, {"description": "holds\na needle"}, {"tags": ["x", "needle?"]},
    )  # fmt: skip
    for number, why in enumerate(WHY):
        for place in range(number + 1):
            own = called[number] if place == number else {"queue": "hay"}
            given_schedule(held_database, **({"name": f"n{number}-{place}", "every": 5} | why | own))
    return held_database


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        pytest.param(ScheduleFilter(), lambda _: True, id="all"),
        pytest.param(ScheduleFilter(state="paused"), lambda _: True, id="whichever state is wanted"),
        pytest.param(ScheduleFilter(queue="hay"), lambda task: task.queue == "hay", id="a queue"),
        pytest.param(ScheduleFilter(q="NEEDLE"), lambda task: task.queue is None, id="a word"),
        pytest.param(ScheduleFilter(q="nowhere"), lambda _: False, id="a word that nothing holds"),
        pytest.param(ScheduleFilter(tags=["x"]), lambda task: "x" in task.tags, id="a tag"),
        pytest.param(ScheduleFilter(enabled=False), lambda task: not task.enabled, id="not enabled"),
    ],
)
def test_states_are_counted_up_to_a_bound(mixed: Database, wanted: ScheduleFilter, fits: Any) -> None:
    with mixed.reading() as session:
        fitting = Counter(state_of(task) for task in session.scalars(select(PeriodicTask)) if fits(task))
        for most in (1, 3, 100):
            counts = {state: min(fitting[state], most) for state in STATES} | {"": min(fitting.total(), most)}
            for asked in (wanted, schedule_lists.narrowed(session, wanted)):
                assert schedule_lists.count_states(session, asked, most=most) == counts


def test_what_fits_few_is_found_by_their_ids(mixed: Database) -> None:
    wanted = ScheduleFilter(q="needle", state="paused")
    with mixed.reading() as session:
        narrow = schedule_lists.narrowed(session, wanted)
        found = schedule_lists.search(session, narrow, Order(), limit=10)
        every = schedule_lists.ids(session, replace(wanted, state=None))

    assert narrow == replace(wanted, ids=narrow.ids)
    assert sorted(narrow.ids or ()) == every
    assert len(every) == len(STATES)
    assert [task.tags for task in found] == [["x", "needle?"]]


def test_what_fits_many_or_all_is_left_as_it_is(held_database: Database) -> None:
    given_schedules(held_database, FEW + 1)
    with held_database.reading() as session:
        for wanted in (ScheduleFilter(q="sample"), ScheduleFilter(state="active"), ScheduleFilter()):
            assert schedule_lists.narrowed(session, wanted) == wanted


def test_ids_narrow_a_list(mixed: Database) -> None:
    with mixed.reading() as session:
        assert schedule_lists.ids(session, ScheduleFilter(ids=[3, 1])) == [1, 3]
        assert schedule_lists.ids(session, ScheduleFilter(ids=[])) == []


@pytest.mark.parametrize(
    ("word", "fits"),
    [
        pytest.param('A"b', True, id="a quote, in a tag"),
        pytest.param("C\\D", True, id="a backslash, in a tag"),
        pytest.param("Ärzte", True, id="not of ASCII, in a tag"),
        pytest.param("50%", True, id="a percent sign"),
        pytest.param("5%", False, id="a percent sign is no wildcard"),
        pytest.param("x_Y", True, id="an underscore"),
        pytest.param("xyy", False, id="an underscore is no wildcard"),
        pytest.param('",', False, id="what stands between tags"),
        pytest.param("[", False, id="what stands around tags"),
        pytest.param("samplesample", False, id="the end of one column and the beginning of another"),
    ],
)
def test_a_word_is_in_one_text_as_it_is_written(held_database: Database, word: str, fits: bool) -> None:
    tags = ['a"B', "c\\d", "Ärzte", "50 of 50%"]
    given_schedule(held_database, name="one x_y sample", task="sample.count", tags=tags, every=5)
    given_schedule(held_database, name="other", tags=[], every=5)
    with held_database.reading() as session:
        assert schedule_lists.count(session, ScheduleFilter(q=word)) == int(fits)
