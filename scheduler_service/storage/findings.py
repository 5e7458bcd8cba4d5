"""What an examination of the database finds: in words, with the mend, the first of each kind and how many there are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func
from sqlalchemy.orm import Session

MOST_LISTED = 20


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it must be: what it is about, what is wrong with it, what to do."""

    code: str
    subject: str
    sentence: str
    mend: str


@dataclass(frozen=True)
class Found:
    """Findings of one kind: the first of them, and how many there are. A note is told, and is nothing wrong."""

    code: str
    findings: tuple[Finding, ...]
    total: int
    is_note: bool = False

    @classmethod
    def one(cls, finding: Finding, *, is_note: bool = False) -> "Found":
        return cls(finding.code, (finding,), 1, is_note)

    @classmethod
    def of(cls, findings: list[Finding], *, is_note: bool = False) -> "list[Found]":
        """At most one: nothing when there are no findings. All have the same code."""
        if not findings:
            return []
        return [cls(findings[0].code, tuple(findings[:MOST_LISTED]), len(findings), is_note)]


@dataclass(frozen=True)
class Invariant:
    """What a statement selects breaks it. `subject` and `sentence` are made from a row that it selects."""

    code: str
    mend: str
    subject: Callable[[Any], str]
    sentence: Callable[[Any], str]

    def broken_by(self, session: Session, statement: Select[Any]) -> list[Found]:
        """Read the first rows and their number in one statement; all rows are of the same instant."""
        counted = statement.add_columns(func.count().over().label("total_found")).limit(MOST_LISTED)
        rows = session.execute(counted).all()
        if not rows:
            return []
        findings = (Finding(self.code, self.subject(row), self.sentence(row), self.mend) for row in rows)
        return [Found(self.code, tuple(findings), rows[0].total_found)]


def at(instant: datetime | None) -> str:
    """An instant, for people."""
    return "never" if instant is None else instant.isoformat(" ", "milliseconds").replace("+00:00", "Z")


def schedule_subject(row: Any) -> str:
    """How a schedule is called: a row with `id` and `name`."""
    return f"schedule {row.id} ({row.name})"


def run_subject(row: Any) -> str:
    """How a run is called: a row with `id` and `schedule_name`."""
    return f"run {row.id} of {row.schedule_name}"
