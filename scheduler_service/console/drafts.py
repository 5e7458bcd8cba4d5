"""A definition on its way through the editor: as it was read, as it is typed, and what is wrong with it, by line."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scheduler_service.console.forms import FilledIn
from scheduler_service.errors import FieldProblem, Invalid, Malformed, RevisionMismatch, ServiceError
from scheduler_service.services import documents, yaml_documents
from scheduler_service.services.definitions import DefinitionDocument, as_document
from scheduler_service.services.yaml_documents import written
from scheduler_service.services.yaml_lines import line_of, lines_of
from scheduler_service.storage.models import Definition

AROUND = 2
_AT_LINE = re.compile(r"at line (\d+)")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a field of the definition, and the line that it is on."""

    field: str
    reason: str
    line: int | None = None


@dataclass(frozen=True)
class Change:
    """A line of a comparison: `+`, `-`, or a space for one that is alike in both."""

    sign: str
    text: str


@dataclass(frozen=True)
class Conflict:
    """Somebody saved meanwhile: what they changed since this draft was read, and what the draft changes."""

    revision: int
    theirs: list[Change]
    mine: list[Change]


@dataclass(frozen=True)
class Draft:
    """What the editor holds. `read` is the whole document as it was when it was opened; a new one has no `revision`."""

    name: str = ""
    description: str = ""
    text: str = ""
    revision: int | None = None
    read: str = ""

    @classmethod
    def of(cls, row: Definition, model: type[DefinitionDocument]) -> "Draft":
        """A row, to be edited."""
        whole = in_order(as_document(row), model)
        return cls(row.name, row.description, written(whole["definition"]), row.revision, written(whole))

    @classmethod
    def copied(cls, row: Definition, model: type[DefinitionDocument]) -> "Draft":
        """A new one that begins as another."""
        return cls(row.name, row.description, written(in_order(as_document(row), model)["definition"]))

    @classmethod
    def typed(cls, form: FilledIn) -> "Draft":
        """As it was posted. The definition's text keeps its first spaces, which mean something."""
        revision = form.text("revision")
        return cls(
            form.text("name"),
            form.text("description"),
            _as_typed(form, "definition"),
            int(revision[:18]) if revision.isascii() and revision.isdigit() else None,
            _as_typed(form, "read"),
        )

    def document(self, model: type[DefinitionDocument]) -> DefinitionDocument:
        """What it says. Raises: Malformed, Invalid."""
        return documents.read(
            model, {"name": self.name, "description": self.description, "definition": self._definition()}
        )

    def faults(self, problem: ServiceError) -> list[Fault]:
        """Of the definition, in the order of its lines."""
        if isinstance(problem, Malformed):
            line = _AT_LINE.search(str(problem))
            return [Fault("", str(problem), int(line[1]) if line else None)]
        if not isinstance(problem, Invalid):
            return []
        lines = lines_of(self.text)
        found = [_fault(one, lines) for one in problem.problems if one.field.split(".")[0] == "definition"]
        return sorted(found, key=lambda fault: fault.line or 0)

    def against(self, newer: RevisionMismatch, model: type[DefinitionDocument]) -> tuple["Draft", Conflict]:
        """The same text, now to be saved over what somebody else saved; and how both differ from what was read."""
        current = {name: newer.current[name] for name in ("name", "description", "definition")}
        mine = {"name": self.name, "description": self.description, "definition": self._definition()}
        theirs, revision = written(in_order(current, model)), int(newer.current["revision"])
        conflict = Conflict(revision, changes(self.read, theirs), changes(self.read, written(in_order(mine, model))))
        return Draft(self.name, self.description, self.text, revision, theirs), conflict

    def _definition(self) -> Any:
        return yaml_documents.read(self.text.encode("utf-8", "replace"))


def in_order(document: dict[str, Any], model: type[DefinitionDocument]) -> dict[str, Any]:
    """With its fields as people write them: databases keep their own order of keys, or none."""
    try:
        columns = documents.read(model, document).columns()
    except Invalid:  # written past us
        columns = document
    ordered: dict[str, Any] = _named_first(columns)
    return ordered


def _named_first(value: Any) -> Any:
    if isinstance(value, dict):
        first = [name for name in ("name", "type") if name in value]
        return {name: _named_first(value[name]) for name in dict.fromkeys([*first, *value])}
    return [_named_first(one) for one in value] if isinstance(value, list) else value


def changes(before: str, after: str) -> list[Change]:
    """What differs, with some lines around it."""
    lines: Sequence[str] = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=AROUND))
    return [
        Change("…" if line.startswith("@@") else line[:1], line[1:] if line[:1] in "+- " else "") for line in lines[2:]
    ]


def _fault(problem: FieldProblem, lines: dict[str, int]) -> Fault:
    path = problem.field.partition(".")[2]
    return Fault(path, problem.reason, line_of(lines, path) if path else None)


def _as_typed(form: FilledIn, name: str) -> str:
    found = form.all(name)
    return found[-1].replace("\r\n", "\n") if found else ""
