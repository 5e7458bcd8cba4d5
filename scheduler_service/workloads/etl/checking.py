"""Checks: what a step's dataset must be, asked of it after the step has run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scheduler_service.workloads.etl.definitions import (
    AcceptedValues,
    Check,
    CustomQuery,
    Freshness,
    NotNull,
    RowCount,
    Unique,
)
from scheduler_service.workloads.etl.plans import PlannedStep
from scheduler_service.workloads.etl.tables import Tables
from scheduler_service.workloads.identifiers import literal, quoted


@dataclass(frozen=True)
class CheckResult:
    """What a check found: `found` rows (or keys) that must not be; for a row count, the rows."""

    check: str
    severity: str
    passed: bool
    found: int


@dataclass(frozen=True)
class _Question:
    """A number to ask for, and which is right."""

    select: str
    values: dict[str, Any] | None = None
    least: int = 0
    most: int | None = 0


def results(tables: Tables, one: PlannedStep, values: dict[str, datetime]) -> list[CheckResult]:
    """Ask every check of a step, those that only warn too. Raises: QueryFailed, for one that cannot be asked."""
    table = tables.name(one.step.name)
    found = []
    for place, check in enumerate(one.step.checks):
        name = named(check)
        question = _question(tables, one, place, table, values)
        number = tables.engine.number(f"{one.step.name}, check {name}", question.select, question.values)
        passed = number >= question.least and (question.most is None or number <= question.most)
        found.append(CheckResult(name, check.severity, passed, number))
    return found


def named(check: Check) -> str:
    """A check in a few words."""
    if isinstance(check, CustomQuery):
        return check.name
    if isinstance(check, (NotNull, Unique)):
        return f"{check.type}({', '.join(check.columns)})"
    if isinstance(check, (AcceptedValues, Freshness)):
        return f"{check.type}({check.column})"
    return f"row_count({check.min}..{'' if check.max is None else check.max})"


def _question(tables: Tables, one: PlannedStep, place: int, table: str, values: dict[str, datetime]) -> _Question:
    check = one.step.checks[place]
    if isinstance(check, RowCount):
        return _Question(f"SELECT count(*) FROM {table}", None, check.min, check.max)
    if isinstance(check, CustomQuery):
        query = one.checks[place]
        return _Question(f"SELECT count(*) FROM (\n{query.text}\n) AS found", query.values(values))
    if isinstance(check, Freshness):
        limit = values["occurrence_at"] - timedelta(seconds=check.max_age_seconds)
        latest = f"SELECT max({tables.engine.quoted(check.column)}) AS latest FROM {table}"
        old = f"latest IS NULL OR latest < CAST({tables.engine.place('limit')} AS TIMESTAMPTZ)"
        return _Question(f"SELECT count(*) FROM ({latest}) AS latest WHERE {old}", {"limit": limit})
    return _Question(_counted(check, table))


def _counted(check: NotNull | Unique | AcceptedValues, table: str) -> str:
    if isinstance(check, NotNull):
        missing = " OR ".join(f"{quoted(name)} IS NULL" for name in check.columns)
        return f"SELECT count(*) FROM {table} WHERE {missing}"
    if isinstance(check, Unique):
        names = ", ".join(quoted(name) for name in check.columns)
        return f"SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {names} HAVING count(*) > 1) AS twice"
    column, accepted = quoted(check.column), ", ".join(map(_literal, check.values))
    return f"SELECT count(*) FROM {table} WHERE {column} NOT IN ({accepted})"


def _literal(value: str | float | bool) -> str:
    return literal(value) if isinstance(value, str) else str(value).upper()
