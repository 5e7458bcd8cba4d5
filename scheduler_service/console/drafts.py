"""A definition on its way through the editor: as it was read, as it is typed, and what is wrong with it, by line."""

import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scheduler_service.console import conflicts
from scheduler_service.console.forms import FilledIn
from scheduler_service.errors import FieldProblem, Invalid, Malformed, RevisionMismatch, ServiceError
from scheduler_service.services import documents, three_way, yaml_documents
from scheduler_service.services.definitions import DefinitionDocument, as_document
from scheduler_service.services.three_way import Difference
from scheduler_service.services.yaml_documents import written
from scheduler_service.services.yaml_lines import line_of, lines_of
from scheduler_service.storage.models import Definition

AROUND = 2
PARTS, PARTED = ("name", "description", "definition"), ("definition",)
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
    """Somebody saved meanwhile: what differs, and, line by line, what they and what this draft changed."""

    differences: list[Difference]
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
        """As it was posted, but for the fields of which its writer chose what somebody else saved.

        The definition's text keeps its first spaces, which mean something.
        """
        revision = form.text("revision")
        draft = cls(
            form.text("name"),
            form.text("description"),
            _as_typed(form, "definition"),
            int(revision[:18]) if revision.isascii() and revision.isdigit() else None,
            _as_typed(form, "read"),
        )
        return draft._taking(taken) if (taken := conflicts.taken(form.typed())) else draft

    def document(self, model: type[DefinitionDocument]) -> DefinitionDocument:
        """What it says. Raises: Malformed, Invalid."""
        return documents.read(model, self._typed())

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
        """The same with what only the other changed, now to be saved over theirs; and what both changed."""
        theirs = in_order({name: newer.current[name] for name in PARTS}, model)
        read, mine = _document(self.read), in_order(self._typed(), model)
        both = three_way.merged(read, theirs, mine, parted=PARTED)
        conflict = Conflict(
            three_way.compare(read, theirs, mine, parted=PARTED),
            changes(self.read, written(theirs)),
            changes(self.read, written(mine)),
        )
        text = self.text if both["definition"] == mine["definition"] else written(_named_first(both["definition"]))
        name, description = both["name"], both["description"]
        return Draft(name, description, text, int(newer.current["revision"]), written(theirs)), conflict

    def _taking(self, taken: Collection[str]) -> "Draft":
        """With these fields as they were read; the same where its text cannot be understood, as is told next."""
        try:
            read, mine = _document(self.read), self._typed()
        except Malformed:
            return self
        both = three_way.merged(read, read, mine, take=taken, parted=PARTED)
        is_mine = both.get("definition") == mine["definition"]
        text = self.text if is_mine else written(_named_first(both.get("definition")))
        return replace(self, name=str(both.get("name")), description=str(both.get("description")), text=text)

    def _typed(self) -> dict[str, Any]:
        return {"name": self.name, "description": self.description, "definition": self._definition()}

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


def _document(text: str) -> dict[str, Any]:
    """What was read. Raises: Malformed."""
    found = yaml_documents.read(text.encode("utf-8", "replace"))
    return found if isinstance(found, dict) else {}


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
