"""What a run of a definition brought, read from its result, which is whatever its task returned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from scheduler_service.storage.models import TaskRun


@dataclass(frozen=True)
class Check:
    """What a check of a step found."""

    name: str
    severity: str
    passed: bool
    found: int


@dataclass(frozen=True)
class Step:
    """What became of a step; a view has no rows."""

    name: str
    kind: str
    rows: int | None
    seconds: float
    checks: tuple[Check, ...] = ()

    @property
    def warnings(self) -> int:
        """Checks that did not pass, and only warn."""
        return sum(not check.passed for check in self.checks)


@dataclass(frozen=True)
class Outcome:
    """Of one run. What it did not say is None, or empty."""

    rows: int | None = None
    steps: tuple[Step, ...] = ()
    files: int | None = None
    deliveries: Mapping[str, int] = field(default_factory=dict)


def outcome_of(run: TaskRun) -> Outcome:
    """What came of it, as far as its result says so in the words of our tasks."""
    result = run.result if isinstance(run.result, dict) else {}
    steps = tuple(_step(one) for one in _listed(result.get("steps")))
    written, artifacts, deliveries = (result.get(name) for name in ("rows_written", "artifacts", "deliveries"))
    counted = [step.rows for step in steps if step.rows is not None]
    return Outcome(
        rows=written if isinstance(written, int) else sum(counted) if counted else None,
        steps=steps,
        files=len(artifacts) if isinstance(artifacts, list) else None,
        deliveries=deliveries if isinstance(deliveries, dict) else {},
    )


def took(run: TaskRun) -> timedelta | None:
    """From when its last attempt began until it ended."""
    return run.finished_at - run.started_at if run.started_at and run.finished_at else None


def _step(one: Mapping[str, Any]) -> Step:
    rows, seconds = one.get("rows"), one.get("seconds")
    return Step(
        name=str(one.get("step", "")),
        kind=str(one.get("kind", "")),
        rows=rows if isinstance(rows, int) else None,
        seconds=float(seconds) if isinstance(seconds, (int, float)) else 0.0,
        checks=tuple(_check(check) for check in _listed(one.get("checks"))),
    )


def _check(one: Mapping[str, Any]) -> Check:
    found = one.get("found")
    return Check(
        name=str(one.get("check", "")),
        severity=str(one.get("severity", "")),
        passed=one.get("passed") is True,
        found=found if isinstance(found, int) else 0,
    )


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
