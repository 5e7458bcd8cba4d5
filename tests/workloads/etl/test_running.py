"""Runs of pipelines: what they make, in which order, and that they make all or nothing."""

import time
from datetime import timedelta
from typing import Any

import pytest

from scheduler_service.errors import Cancelled, ChecksFailed, PipelineUnfit, QueryFailed, TimeLimitReached
from tests.workloads.etl.pipelines import DAY, NOON, Mill, step

ENDLESS = (
    "SELECT count(*) AS n FROM generate_series(1, 1000000) AS a(x), generate_series(1, 1000000) AS b(y)"
    " WHERE x + y = -1"
)


def test_steps_run_after_what_they_read_and_become_tables_and_views(mill: Mill) -> None:
    told: list[dict[str, Any]] = []

    outcome = mill.run(
        step("best", "SELECT day FROM by_day_view ORDER BY amount DESC LIMIT 1"),
        step("by_day_view", "SELECT * FROM by_day", kind="view"),
        step("by_day", "SELECT day, sum(amount) AS amount FROM orders GROUP BY day"),
        told=lambda **progress: told.append(progress),
    )

    assert [one["step"] for one in outcome["steps"]] == ["by_day", "by_day_view", "best"]
    assert [one["rows"] for one in outcome["steps"]] == [2, None, 1]
    assert [one["text"] for one in told] == ["by_day", "by_day_view", "best"]
    assert told[0] == {"step": 1, "of": 3, "text": "by_day"}
    assert mill.rows("best") == [{"day": "2026-03-01"}]
    assert mill.column("by_day_view", "amount") == [5, 30]


def test_a_table_is_made_anew_by_each_run(mill: Mill) -> None:
    by_day = step("by_day", "SELECT day, sum(amount) AS amount FROM orders GROUP BY day")
    mill.run(by_day)
    mill.given("DELETE FROM orders WHERE id = 3")

    mill.run(by_day)

    assert mill.rows("by_day") == [{"day": "2026-03-01", "amount": 30}]


def test_parameters_make_a_run_compute_its_own_day(mill: Mill) -> None:
    sql = (
        "SELECT count(*) AS orders, {{ window_start }} AS since FROM orders"
        " WHERE day >= {{ window_start }}::date AND day < {{ window_end }}::date AND {{ occurrence_at }} IS NOT NULL"
    )

    mill.run(step("that_day", sql), at=NOON.replace(hour=0))

    assert mill.rows("that_day") == [{"orders": 2, "since": "2026-03-01T00:00:00Z"}]


def test_the_datasets_tell_which_run_made_them(mill: Mill) -> None:
    mill.run(step("copied", "SELECT id FROM orders"), run_id="the-run")

    found = mill.warehouse.dataset("copied")

    assert (found.last_run_id, found.last_loaded_at, found.row_count) == ("the-run", NOON, 3)


def test_a_percent_sign_is_a_percent_sign(mill: Mill) -> None:
    mill.run(
        step("plain", "SELECT '100%' AS share, 7 % 4 AS rest"),
        step("bound", "SELECT '100%' AS share, 7 % 4 AS rest WHERE {{ occurrence_at }} IS NOT NULL"),
        step("seen", "SELECT '100%' AS share, 7 % 4 AS rest", kind="view"),
    )

    for name in ("plain", "bound", "seen"):
        assert mill.rows(name) == [{"share": "100%", "rest": 3}]


def test_an_incremental_step_replaces_rows_of_equal_key(mill: Mill) -> None:
    latest = step("latest", "SELECT id, amount FROM orders", kind="incremental", key=["id"])
    mill.run(latest)
    mill.given("DELETE FROM orders WHERE id = 1", "UPDATE orders SET amount = 99 WHERE id = 2")

    outcome = mill.run(latest)

    assert outcome["steps"][0]["rows"] == 2
    assert mill.column("latest", "amount") == [5, 10, 99]


def test_an_incremental_step_makes_its_window_anew_and_leaves_the_rest(mill: Mill) -> None:
    sql = "SELECT id, {{ window_start }} AS at FROM orders WHERE day = {{ window_start }}::date"
    daily = step("daily", sql, kind="incremental", window_column="at")
    midnight = NOON.replace(hour=0)
    mill.run(daily, at=midnight)
    mill.run(daily, at=midnight + DAY)
    mill.given("DELETE FROM orders WHERE id = 1")

    mill.run(daily, at=midnight)

    assert mill.column("daily", "id") == [2, 3]


def test_rows_outside_the_window_are_refused(mill: Mill) -> None:
    sql = "SELECT id, {{ occurrence_at }} AS at FROM orders"
    daily = step("daily", sql, kind="incremental", window_column="at")
    mill.run(daily)

    with pytest.raises(QueryFailed, match="3 rows whose at is outside the run's window"):
        mill.run(daily)


def test_keys_that_are_not_unique_are_refused(mill: Mill) -> None:
    by_day = step("by_day", "SELECT day, id FROM orders WHERE id <> 2", kind="incremental", key=["day"])
    mill.run(by_day)

    with pytest.raises(QueryFailed, match=r"gives 1 keys \(day\) more than once"):
        mill.run(step("by_day", "SELECT day, id FROM orders", kind="incremental", key=["day"]))


def test_an_incremental_step_may_get_columns(mill: Mill) -> None:
    mill.run(step("latest", "SELECT id FROM orders WHERE id = 1", kind="incremental", key=["id"]))

    mill.run(step("latest", "SELECT id, amount FROM orders WHERE id = 2", kind="incremental", key=["id"]))

    assert sorted(mill.rows("latest"), key=lambda row: row["id"]) == [
        {"id": 1, "amount": None},
        {"id": 2, "amount": 20},
    ]


def test_a_table_may_change_its_columns_under_a_view(mill: Mill) -> None:
    view = step("seen", "SELECT amount FROM base", kind="view")
    mill.run(step("base", "SELECT amount FROM orders"), view)

    mill.run(step("base", "SELECT id, amount * 2 AS amount FROM orders"), view)
    mill.run(step("base", "SELECT 'x' AS id, amount FROM orders"), pipeline_id=2)

    assert mill.column("seen", "amount") == [5, 10, 20]


def test_a_step_may_become_another_kind(mill: Mill) -> None:
    for kind in ("table", "view", "table"):
        mill.run(step("orders_again", "SELECT * FROM orders", kind=kind))
        assert len(mill.rows("orders_again")) == 3


def test_a_view_that_somebody_loses_a_column_of_is_noticed(mill: Mill) -> None:
    mill.run(step("base", "SELECT id, amount FROM orders"), step("seen", "SELECT amount FROM base", kind="view"))

    with pytest.raises(QueryFailed, match="the view seen"):
        mill.run(step("base", "SELECT id FROM orders"))

    assert mill.column("seen", "amount") == [5, 10, 20]


def test_a_step_that_fails_leaves_everything_as_it_was(mill: Mill) -> None:
    good = step("first", "SELECT id FROM orders")
    mill.run(good, step("second", "SELECT id FROM first"))

    with pytest.raises(QueryFailed, match=r"^third: "):
        mill.run(
            step("first", "SELECT id + 100 AS id FROM orders"),
            step("second", "SELECT id, 1 AS more FROM first"),
            step("third", "SELECT CAST('x' || id AS BIGINT) AS id FROM second"),
        )

    assert mill.column("first", "id") == mill.column("second", "id") == [1, 2, 3]
    assert mill.names() == ["first", "orders", "second"]


@pytest.mark.parametrize(
    "check",
    [
        {"type": "not_null", "columns": ["amount"]},
        {"type": "unique", "columns": ["day"]},
        {"type": "accepted_values", "column": "id", "values": [1, 2]},
        {"type": "row_count", "min": 10},
        {"type": "row_count", "max": 2},
        {"type": "freshness", "column": "day", "max_age_seconds": 3600},
        {"type": "query", "name": "none is cheap", "sql": "SELECT * FROM copied WHERE amount < 7"},
    ],
    ids=lambda check: check["type"],
)
def test_a_failed_check_changes_nothing_or_is_told(mill: Mill, check: dict[str, Any]) -> None:
    copied = "SELECT id, day, CASE WHEN id > 1 THEN amount END AS amount FROM orders"

    with pytest.raises(ChecksFailed):
        mill.run(step("copied", copied, checks=[check]))
    before = mill.names()
    outcome = mill.run(step("copied", copied, checks=[check | {"severity": "warn"}]))

    assert before == ["orders"]
    assert outcome["warnings"] == 1
    (result,) = outcome["steps"][0]["checks"]
    assert (result["passed"], result["severity"]) == (False, "warn")


def test_checks_that_hold(mill: Mill) -> None:
    outcome = mill.run(
        step(
            "copied",
            "SELECT id, day, amount FROM orders",
            checks=[
                {"type": "not_null", "columns": ["id", "amount"]},
                {"type": "unique", "columns": ["id"]},
                {"type": "accepted_values", "column": "id", "values": [1, 2, 3]},
                {"type": "row_count", "min": 3, "max": 3},
                {"type": "freshness", "column": "day", "max_age_seconds": 86400},
                {"type": "query", "name": "amounts", "sql": "SELECT * FROM copied WHERE amount < 0 AND '%' = '%'"},
            ],
        )
    )

    assert outcome["warnings"] == 0
    assert all(check["passed"] for check in outcome["steps"][0]["checks"])


def test_a_run_that_is_done_is_not_done_again(mill: Mill) -> None:
    copied = step("copied", "SELECT id FROM orders")
    first = mill.run(copied, run_id="the-run")
    mill.given("DELETE FROM orders")

    again = mill.run(copied, run_id="the-run")

    assert again == first | {"already_done": True}
    assert len(mill.rows("copied")) == 3


def test_a_dataset_of_others_is_not_overwritten(mill: Mill) -> None:
    with pytest.raises(PipelineUnfit, match="step orders: there is a dataset of this name that no pipeline made"):
        mill.run(step("orders", "SELECT 1 AS id"))

    assert len(mill.rows("orders")) == 3


def test_what_does_not_exist_cannot_be_read(mill: Mill) -> None:
    with pytest.raises(PipelineUnfit, match="step x: its sql reads 'gone', which is neither a dataset nor a step"):
        mill.run(step("x", "SELECT * FROM gone"))
    with pytest.raises(PipelineUnfit, match="reads '_etl_run'"):
        mill.run(step("x", "SELECT * FROM _etl_run"))


def test_a_cancelled_query_ends_within_a_second_or_so(mill: Mill) -> None:
    told: list[float] = []
    asked: list[float] = []

    def cancelled() -> bool:
        if told and not asked and time.monotonic() - told[-1] > 0.5:
            asked.append(time.monotonic())
        return bool(asked)

    with pytest.raises(Cancelled):
        mill.run(
            step("first", "SELECT 1 AS n"),
            step("second", ENDLESS),
            cancelled=cancelled,
            told=lambda **_: told.append(time.monotonic()),
        )

    assert time.monotonic() - asked[0] < 2
    assert mill.names() == ["orders"]


def test_a_query_without_end_is_ended_by_the_time_limit(mill: Mill) -> None:
    with pytest.raises(TimeLimitReached):
        mill.run(step("x", ENDLESS), time_limit_seconds=1.5)

    assert mill.names() == ["orders"]


def test_what_a_transform_returns_becomes_a_table(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "tests/workloads/etl/installed")

    outcome = mill.run(
        {"name": "doubled", "transform": "doubled", "reads": ["orders"]},
        step("total", "SELECT sum(amount) AS amount FROM doubled"),
    )

    assert [one["rows"] for one in outcome["steps"]] == [3, 1]
    assert mill.rows("total") == [{"amount": 70}]
    assert mill.rows("doubled")[0]["until"] == "2026-03-02T12:00:00Z"


def test_an_unknown_transform_is_told(mill: Mill) -> None:
    with pytest.raises(QueryFailed, match="no transform is named 'gone'"):
        mill.run({"name": "x", "transform": "gone", "reads": ["orders"]})


def test_old_runs_are_forgotten(mill: Mill) -> None:
    mill.run(step("x", "SELECT 1 AS n"), run_id="old", at=NOON - timedelta(days=100))
    mill.run(step("x", "SELECT 2 AS n"))

    assert mill.run(step("x", "SELECT 3 AS n"), run_id="old")["already_done"] is False
