"""The stations of a run and its attempts on one axis."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scheduler_service.api.run_schemas import AttemptOut
from scheduler_service.console.charts import life
from scheduler_service.storage.models import TaskRun

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def run(state: str, **fields: Any) -> TaskRun:
    given = {"occurrence_at": NOON, "fire_at": NOON + 4 * SECOND, "decided_at": NOON + 5 * SECOND}
    return TaskRun(state=state, **given | fields)


def attempt(number: int, began: datetime, ended: datetime | None) -> AttemptOut:
    return AttemptOut(
        attempt=number,
        state="failed" if ended else "running",
        worker=None,
        started_at=began,
        ended_at=ended,
        error=None,
        traceback=None,
    )


def test_each_way_says_whose_time_it_was() -> None:
    ended = run("succeeded", published_at=NOON + 6 * SECOND, started_at=NOON + MINUTE, finished_at=NOON + 3 * MINUTE)

    found = life.stations(ended, [attempt(1, NOON + MINUTE, NOON + 3 * MINUTE)], now=NOON + MINUTE * 9)

    assert [(one.name, one.way, one.gap) for one in found] == [
        ("occurrence", "plan", 4 * SECOND),
        ("fire", "wait", SECOND),
        ("decided", "wait", SECOND),
        ("published", "wait", 54 * SECOND),
        ("started", "work", 2 * MINUTE),
        ("finished", "none", None),
    ]


@pytest.mark.parametrize(
    ("state", "fields", "names"),
    [
        pytest.param("pending", {}, ["published", "started", "finished"], id="all of it is to come"),
        pytest.param("running", {"started_at": NOON + MINUTE}, ["finished"], id="its end is to come"),
        pytest.param("skipped", {"finished_at": NOON + 6 * SECOND}, [], id="what was never sent has nothing to come"),
    ],
)
def test_what_is_to_come_is_told(state: str, fields: dict[str, Any], names: list[str]) -> None:
    found = life.stations(run(state, **fields), [], now=NOON + 2 * MINUTE)

    assert [one.name for one in found if one.at is None] == names
    assert all(one.at is not None for one in found if one.name in ("occurrence", "fire", "decided"))


def test_what_is_tried_again_is_to_be_sent_after_it_was_decided() -> None:
    again = run("pending", fire_at=NOON + 9 * MINUTE)

    found = life.stations(again, [], now=NOON + 10 * MINUTE)

    assert [one.name for one in found][:3] == ["occurrence", "decided", "fire"]
    assert all(one.gap is None or one.gap >= timedelta(0) for one in found)


def test_attempts_share_one_axis_in_the_readers_zone() -> None:
    attempts = [attempt(1, NOON, NOON + MINUTE), attempt(2, NOON + 6 * MINUTE, None)]

    drawn = life.chart(attempts, now=NOON + 8 * MINUTE, zone=ZoneInfo("Asia/Kathmandu"))

    assert drawn is not None
    first, second = drawn.bars
    assert (first.x, second.waited, second.took) == (life.LEFT, 5 * MINUTE, 2 * MINUTE)
    assert second.width == pytest.approx(2 * first.width, abs=0.02)
    assert second.waited_width == pytest.approx(5 * first.width, abs=0.05)
    assert drawn.now_x == pytest.approx(life.RIGHT)
    assert [tick.at.strftime("%H:%M") for tick in drawn.ticks] == ["17:46", "17:48", "17:50", "17:52"]


def test_one_attempt_is_not_drawn() -> None:
    assert life.chart([attempt(1, NOON, None)], now=NOON, zone=UTC) is None
