"""Runs in numbers: counted by state, how late, how long."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from scheduler_service.storage.session import Database
from tests.api.given import fields_of, given_schedule
from tests.api.test_runs import NOON, given_runs

DAY = {"since": "2026-03-02T12:00:00Z", "until": "2026-03-03T12:00:00Z"}


def took(late: float, long: float | None = None, **fields: Any) -> dict[str, Any]:
    """A run that began so late and took so long, in seconds."""
    began = NOON + timedelta(seconds=late)
    run: dict[str, Any] = {"fire_at": NOON, "state": "running", "started_at": began}
    if long is not None:
        run |= {"state": "succeeded", "finished_at": began + timedelta(seconds=long)}
    return run | fields


def spread(*values: float) -> dict[str, float]:
    return dict(zip(("p50", "p95", "p99", "max"), values, strict=True))


def test_runs_are_counted_and_spread_as_statisticians_do(api: httpx.Client, held_database: Database) -> None:
    made = given_schedule(api)
    given_runs(
        held_database,
        made["id"],
        *(took(late=number / 10, long=number) for number in range(1, 6)),
        {"state": "skipped", "finished_at": NOON},
        {"state": "pending"},
    )

    stats = api.get("/stats", params=DAY).json()

    assert (stats["runs"], stats["states"]) == (7, {"pending": 1, "skipped": 1, "succeeded": 5})
    assert stats["lateness_seconds"] == pytest.approx(spread(0.3, 0.48, 0.496, 0.5), abs=0.002)
    assert stats["duration_seconds"] == pytest.approx(spread(3, 4.8, 4.96, 5), abs=0.002)


def test_an_untracked_run_is_late_by_when_it_was_sent_and_a_retried_one_does_not_tell(
    api: httpx.Client, held_database: Database
) -> None:
    made = given_schedule(api)
    sent = {"state": "published", "fire_at": NOON, "published_at": NOON + timedelta(seconds=2)}
    given_runs(held_database, made["id"], sent, took(late=500, long=1, attempt=2), took(late=-3, long=1))

    stats = api.get("/stats", params=DAY).json()

    assert stats["lateness_seconds"] == pytest.approx(spread(1, 1.9, 1.98, 2), abs=0.002)
    assert stats["duration_seconds"] == pytest.approx(spread(1, 1, 1, 1), abs=0.002)


def test_numbers_are_of_a_schedule_a_kind_and_a_time(api: httpx.Client, held_database: Database) -> None:
    first, second = given_schedule(api, "first"), given_schedule(api, "second", task="etl.execute_pipeline")
    given_runs(held_database, first["id"], took(0, 1), took(0, 1), took(0, 1, decided_at=NOON - timedelta(days=2)))
    given_runs(held_database, second["id"], took(0, 1))

    def runs(**query: Any) -> int:
        count: int = api.get("/stats", params=DAY | query).json()["runs"]
        return count

    assert {
        "all": runs(),
        "schedule": runs(schedule_id=first["id"]),
        "kind": runs(kind="etl"),
        "since": runs(since="2026-02-01T00:00:00Z"),
        "until": runs(until="2026-03-02T12:01:00Z"),
        "of nobody": runs(schedule_id=99),
    } == {"all": 3, "schedule": 2, "kind": 1, "since": 4, "until": 2, "of nobody": 0}


def test_nothing_has_no_percentiles_and_the_last_day_is_the_default(api: httpx.Client) -> None:
    stats = api.get("/stats").json()

    assert (stats["since"], stats["until"]) == ("2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z")
    assert (stats["runs"], stats["states"]) == (0, {})
    assert stats["lateness_seconds"] == stats["duration_seconds"] == dict.fromkeys(("p50", "p95", "p99", "max"))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "2026-03-02T12:00:00Z", "until": "2026-03-01T12:00:00Z"}, "until"),
        ({"since": "2026-01-01T00:00:00Z", "until": "2026-06-01T00:00:00Z"}, "since"),
        ({"since": "1970-01-01T00:00:00Z"}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"kind": "nonsense"}, "kind"),
        ({"schedule": "1"}, "schedule"),
    ],
)
def test_a_range_that_is_none_is_refused(sqlite_api: httpx.Client, query: dict[str, str], field: str) -> None:
    refused = sqlite_api.get("/stats", params=query)

    assert (refused.status_code, list(fields_of(refused))) == (422, [field])
