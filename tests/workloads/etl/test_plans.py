"""In which order steps run."""

from typing import Any

import pytest

from scheduler_service.workloads.etl.definitions import PipelineDefinition
from scheduler_service.workloads.etl.plans import Plan, plan
from tests.workloads.etl.pipelines import step


def planned(*steps: dict[str, Any], known: tuple[str, ...] = ("orders",)) -> Plan:
    return plan(PipelineDefinition.model_validate({"steps": steps}), "duckdb", known=known)


def reading(name: str, *reads: str) -> dict[str, Any]:
    return step(name, f"SELECT * FROM {', '.join(reads)}")


def test_a_step_runs_after_what_it_reads_and_otherwise_where_it_is_written() -> None:
    found = planned(
        reading("c", "b"),
        reading("z", "orders"),
        reading("b", "a", "orders"),
        reading("a", "orders"),
    )

    assert [one.step.name for one in found.steps] == ["z", "a", "b", "c"]
    assert found.problems == ()


def test_steps_that_are_written_in_a_right_order_stay_in_it() -> None:
    found = planned(reading("a", "orders"), reading("b", "a"), reading("c", "orders"), reading("d", "b"))

    assert [one.step.name for one in found.steps] == ["a", "b", "c", "d"]


def test_a_step_runs_after_what_its_checks_read() -> None:
    check = {"type": "query", "name": "as many", "sql": "SELECT 1 FROM a, other WHERE a.id <> other.id"}

    found = planned(reading("a", "orders") | {"checks": [check]}, reading("other", "orders"))

    assert [one.step.name for one in found.steps] == ["other", "a"]


def test_a_step_runs_after_what_its_transform_reads() -> None:
    found = planned({"name": "a", "transform": "x", "reads": ["b"]}, reading("b", "orders"))

    assert [one.step.name for one in found.steps] == ["b", "a"]


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([reading("a", "a")], "reads itself"),
        ([reading("a", "b"), reading("b", "a")], "reads what is made of it: a → b → a"),
        (
            [reading("x", "orders"), reading("a", "c"), reading("b", "a"), reading("c", "b", "x")],
            "reads what is made of it: a → c → b → a",
        ),
    ],
)
def test_a_cycle_is_told_from_its_first_step(steps: list[dict[str, Any]], reason: str) -> None:
    (problem,) = planned(*steps).problems

    assert problem.reason == reason
    assert steps[problem.step]["name"] == "a"


def test_every_step_is_told_of() -> None:
    found = planned(reading("a", "gone"), step("b", "DROP TABLE a"), reading("c", "b"), reading("d", "a"))

    assert [(one.step, one.field) for one in found.problems] == [(1, "sql"), (0, "sql")]
    assert [one.step.name for one in found.steps] == ["a", "c", "d"]
