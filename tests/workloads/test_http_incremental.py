"""Reading only what is new."""

from datetime import timedelta
from typing import Any

import pytest

from scheduler_service.errors import CollectOverlapped, CursorUnusable
from scheduler_service.workloads.collect.cursors import later
from tests.support.clock import ManualClock
from tests.workloads.collects import Place
from tests.workloads.web import Answer, Asked, Web

pytestmark = pytest.mark.on_each_warehouse

MERGE: dict[str, Any] = {"mode": "merge", "key": ["id"]}


def an_api(web: Web, field: str = "at", **more: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "url": f"{web.url}/things",
        "incremental": {"cursor_field": field, "param": "since", **more},
    }


def record(number: int, at: Any) -> dict[str, Any]:
    return {"id": number, "at": at}


def test_the_next_run_asks_from_the_greatest_value(place: Place, web: Web) -> None:
    web.answer(
        "/things",
        Answer([record(1, "2026-03-01T10:00:00Z"), record(2, "2026-03-01T11:00:00+02:00")]),
        Answer([record(3, "2026-03-01T12:00:00Z")]),
        Answer([]),
    )

    for _ in range(3):
        place.collect(an_api(web, initial="2020-01-01T00:00:00Z"))

    asked = [asked.params["since"] for asked in web.asked]
    assert asked == ["2020-01-01T00:00:00Z", "2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z"]
    assert place.column("id") == [1, 2, 3]


def test_without_an_initial_value_the_first_run_asks_for_all(place: Place, web: Web) -> None:
    web.answer("/things", Answer([record(1, 5)]))

    place.collect(an_api(web))

    assert web.asked[0].params == {}


def test_appending_takes_no_record_twice_from_a_source_that_includes_the_boundary(place: Place, web: Web) -> None:
    web.answer("/things", Answer([record(1, 9)]), Answer([record(1, 9), record(2, 10)]))

    place.collect(an_api(web))
    outcome = place.collect(an_api(web))

    assert outcome.rows_read == 1
    assert place.column("id") == [1, 2]


def test_appending_with_a_lag_leaves_the_youngest_for_the_next_run(place: Place, web: Web, clock: ManualClock) -> None:
    web.answer("/things", Answer([record(1, "2026-03-02T11:00:00Z"), record(2, "2026-03-02T11:59:30Z")]))
    source = an_api(web, lag_seconds=60)

    place.collect(source)
    clock.advance(timedelta(minutes=5))
    place.collect(source)

    assert place.column("id") == [1, 2]
    assert web.asked[1].params == {"since": "2026-03-02T11:00:00Z"}


def test_merging_with_a_lag_asks_from_before_and_folds_the_overlap(place: Place, web: Web) -> None:
    web.answer("/things", Answer([record(1, "2026-03-02T10:00:00Z")]))
    source = an_api(web, lag_seconds=90)

    place.collect(source, **MERGE)
    place.collect(source, **MERGE)

    assert web.asked[1].params == {"since": "2026-03-02T09:58:30Z"}
    assert place.column("id") == [1]


def test_a_full_refresh_asks_for_all_and_starts_over(place: Place, web: Web) -> None:
    web.answer("/things", Answer([record(1, 9)]), Answer([record(2, 3)]), Answer([]))

    place.collect(an_api(web))
    place.collect(an_api(web), full_refresh=True)
    place.collect(an_api(web))

    assert [asked.params for asked in web.asked] == [{}, {}, {"since": "3"}]
    assert place.column("id") == [2]


def test_a_full_refresh_may_change_the_types(place: Place, web: Web) -> None:
    web.answer("/things", Answer([record(1, 9)]), Answer([{"id": {"x": 1}, "at": 3}]))

    place.collect(an_api(web))
    place.collect(an_api(web), full_refresh=True)

    assert place.types() == {"id": "JSON", "at": "BIGINT"}


def test_each_task_has_its_own_cursor_in_each_dataset(place: Place, web: Web) -> None:
    web.answer("/things", Answer([record(1, 9)]))

    place.collect(an_api(web), task_id=1)
    place.collect(an_api(web), task_id=2)
    place.collect(an_api(web), task_id=1, dataset="others")

    assert [asked.params for asked in web.asked] == [{}, {}, {}]


def test_an_older_run_that_ends_later_does_not_move_the_cursor_back(place: Place, web: Web) -> None:
    def slow(asked: Asked) -> Answer:
        if not place.warehouse.datasets():  # the older run: the newer one overtakes it while it reads
            web.answer("/things", Answer([record(1, 9), record(2, 10)]))
            place.collect(an_api(web), **MERGE)
        return Answer([record(1, 9)])

    web.serve("/things", slow)
    with pytest.raises(CollectOverlapped):
        place.collect(an_api(web), run_id="the-older", **MERGE)
    place.collect(an_api(web), run_id="the-older", attempt=2, **MERGE)
    place.collect(an_api(web), **MERGE)

    assert web.asked[-1].params == {"since": "10"}
    assert sorted(place.column("id")) == [1, 2]


def test_two_runs_at_once_do_not_append_the_same_records_twice(place: Place, web: Web) -> None:
    def slow(asked: Asked) -> Answer:
        web.answer("/things", Answer([record(1, 9)]))
        place.collect(an_api(web), run_id="the-other")
        return Answer([record(1, 9)])

    web.serve("/things", slow)

    with pytest.raises(CollectOverlapped):
        place.collect(an_api(web), run_id="the-slow")
    place.collect(an_api(web), run_id="the-slow", attempt=2)

    assert place.column("id") == [1]


def test_a_cursor_may_be_inside_a_record(place: Place, web: Web) -> None:
    web.answer("/things", Answer([{"id": 1, "meta": {"seq": 4}}]))

    place.collect(an_api(web, "meta.seq"))
    place.collect(an_api(web, "meta.seq"))

    assert web.asked[1].params == {"since": "4"}


@pytest.mark.parametrize(
    ("values", "more", "reason"),
    [
        pytest.param([None], {}, "no value", id="missing"),
        pytest.param([{}], {}, "no order", id="an object"),
        pytest.param([True], {}, "no order", id="a truth"),
        pytest.param([1, "x"], {}, "both", id="numbers and texts"),
        pytest.param([1], {"lag_seconds": 5}, "RFC 3339", id="a lag of numbers"),
    ],
)
def test_a_cursor_without_order_is_refused(
    place: Place, web: Web, values: list[Any], more: dict[str, Any], reason: str
) -> None:
    web.answer("/things", Answer([record(1, value) for value in values]))

    with pytest.raises(CursorUnusable, match=reason):
        place.collect(an_api(web, **more))

    assert place.names() == []


@pytest.mark.parametrize(
    ("one", "other", "is_later"),
    [
        pytest.param("10", "9", True, id="digits are numbers"),
        pytest.param("2026-03-01T10:00:00+02:00", "2026-03-01T09:00:00Z", False, id="offsets count"),
        pytest.param("2026-03-01T10:00:00.5Z", "2026-03-01T10:00:00Z", True, id="fractions count"),
        pytest.param("2026-03-02", "2026-03-01", True, id="days as texts"),
        pytest.param(1, None, True, id="anything is after nothing"),
        pytest.param(None, 1, False, id="nothing is after anything"),
        pytest.param(2, 2.0, False, id="equal"),
    ],
)
def test_cursors_are_ordered(one: Any, other: Any, is_later: bool) -> None:
    assert later("at", one, other) is is_later
