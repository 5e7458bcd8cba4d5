"""A schedule on its way through its form: as it was read, as it is typed, and what is wrong with it, field by field.

The document that was read and its revision travel in the form, so that an edit is compared with what its writer saw.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from scheduler_service.console import argument_fields, conflicts, schedule_fields
from scheduler_service.console.argument_fields import ArgumentForm
from scheduler_service.console.forms import FilledIn
from scheduler_service.console.schedule_fields import ASKS_ENABLED, TYPES
from scheduler_service.errors import FieldProblem, Invalid, RevisionMismatch
from scheduler_service.services import documents, three_way
from scheduler_service.services.schedule_documents import (
    ScheduleDocument,
    ScheduleFields,
    document_of,
    document_to_be,
)
from scheduler_service.services.three_way import Difference
from scheduler_service.services.timing_documents import document_of_timing
from scheduler_service.storage.models import PeriodicTask

Schema = Mapping[str, Any] | None
#: An interval is written without its anchor.
ANY = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Draft:
    """What the form holds. `revision` is None: a new schedule. `taken`: what its writer leaves as the other made it."""

    values: dict[str, str]
    read: dict[str, Any]
    revision: int | None = None
    taken: tuple[str, ...] = ()

    @classmethod
    def of(cls, task: PeriodicTask, schema: Schema, zone: ZoneInfo) -> "Draft":
        """A schedule, to be edited."""
        document = document_of(task)
        return cls(_values(document, schema, zone), document, task.revision)

    @classmethod
    def copied(cls, task: PeriodicTask, schema: Schema, zone: ZoneInfo, *, name: str) -> "Draft":
        """A new one that is like another. It begins paused: two that do the same at once are seldom meant."""
        document = document_of(task) | {"name": name, "enabled": False, "paused_reason": None}
        return cls(_values(document, schema, zone) | {ASKS_ENABLED: "1"}, {})

    @classmethod
    def blank(cls, given: Mapping[str, Any], schema: Schema, zone: ZoneInfo) -> "Draft":
        """A new one, of which some is given."""
        fields = documents.read(ScheduleFields, given)
        known = document_to_be(ScheduleDocument.model_construct(**dict(fields)), None)
        document = {name: value for name, value in known.items() if name != "overlap_policy"}
        return cls(_values(document, schema, zone) | {ASKS_ENABLED: "1", "enabled": "on"}, {})

    @classmethod
    def typed(cls, form: FilledIn) -> "Draft":
        """As it was posted."""
        values = {name: value.replace("\r\n", "\n") for name, value in form.typed().items()}
        revision = values.get("revision", "")
        number = int(revision) if revision.isascii() and revision.isdecimal() and len(revision) < 19 else None
        return cls(values, conflicts.read(values.get("read", "")), number, conflicts.taken(values))

    @property
    def read_text(self) -> str:
        """What was read, to travel in the form."""
        return argument_fields.written(self.read)

    def arguments(self, schema: Schema) -> ArgumentForm:
        """The fields of its task's arguments."""
        return argument_fields.form_of(schema, self.values)

    def document(self, schema: Schema) -> ScheduleDocument:
        """What it says. Raises: Invalid, by the fields of the document."""
        said, problems = schedule_fields.document_of(self.values, self.read)
        args, kwargs, unread = argument_fields.arguments_of(schema, self.values)
        problems += unread
        try:
            document = documents.read(ScheduleDocument, said | {"args": args, "kwargs": kwargs})
        except Invalid as why:
            named = {problem.field for problem in problems}
            raise Invalid([*problems, *(one for one in why.problems if one.field not in named)]) from None
        if problems:
            raise Invalid(problems)
        return self._with_taken(document) if self.taken else document

    def beside(self, why: Invalid, schema: Schema) -> Invalid:
        """The same problems, by the fields of the form."""
        return Invalid([self._beside(problem, schema) for problem in why.problems])

    def against(
        self, newer: RevisionMismatch, mine: ScheduleDocument, schema: Schema
    ) -> tuple["Draft", list[Difference]]:
        """The same with what only the other changed, now to be saved over theirs; and all that either changed."""
        theirs = {name: value for name, value in newer.current.items() if name in ScheduleFields.model_fields}
        own = _settled(mine)
        found = three_way.compare(self.read, theirs, own)
        both = three_way.merged(self.read, theirs, own)
        zone = ZoneInfo(self.values.get("zone") or "UTC")
        values = _values(both, schema, zone)
        values |= self._typed_for_others(values["timing.type"])
        return replace(self, values=values, read=theirs, revision=int(newer.current["revision"]), taken=()), found

    def _typed_for_others(self, kind: str) -> dict[str, str]:
        """What was typed for the other types of timings, which no document holds."""
        others = tuple(f"{other}." for other in TYPES if other != kind)
        return {name: value for name, value in self.values.items() if name.startswith(others)}

    def _with_taken(self, mine: ScheduleDocument) -> ScheduleDocument:
        both = three_way.merged(self.read, self.read, _settled(mine), take=self.taken)
        return documents.read(ScheduleDocument, both | {"allow_unknown_task": mine.allow_unknown_task})

    def _beside(self, problem: FieldProblem, schema: Schema) -> FieldProblem:
        if problem.field.partition(".")[0] in ("args", "kwargs"):
            return argument_fields.beside(problem, schema)
        return replace(problem, field=schedule_fields.field_of(problem.field, self.values))


def _settled(document: ScheduleDocument) -> dict[str, Any]:
    """As it will be once it is saved."""
    timing = document_of_timing(document.timing.timing(ANY)) if document.timing is not None else None
    return document_to_be(document, timing)


def _values(document: Mapping[str, Any], schema: Schema, zone: ZoneInfo) -> dict[str, str]:
    values = schedule_fields.values_of(document, zone=zone)
    return values | argument_fields.values_of(schema, document.get("args", []), document.get("kwargs", {}))
