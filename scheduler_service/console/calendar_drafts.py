"""A calendar on its way through its form: as it was read, as it is typed, and what is wrong with it, field by field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from scheduler_service.console import conflicts
from scheduler_service.console.forms import FilledIn
from scheduler_service.errors import ServiceError
from scheduler_service.services import documents, three_way
from scheduler_service.services.calendars import CalendarDocument
from scheduler_service.services.three_way import Difference
from scheduler_service.storage.models import Calendar

FIELDS = ("name", "description", "days", "weekly", "country", "subdivision", "workdays")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: How somebody writes a range on a line: two dates with something between.
_RANGE = re.compile(r"(\S+?)\s*(?:\.\.|–|—|\sto\s|至|\s-\s|\s)\s*(\S+)")


@dataclass(frozen=True)
class Draft:
    """A calendar as it is typed in the form: dates and ranges are lines."""

    name: str = ""
    description: str = ""
    days: str = ""
    weekly: tuple[str, ...] = ()
    country: str = ""
    subdivision: str = ""
    workdays: bool = True
    revision: int | None = None
    read: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def typed(cls, form: FilledIn) -> "Draft":
        """As the form has it, but for the fields of which its writer chose what somebody else saved."""
        revision = form.text("revision")
        draft = cls(
            form.text("name"),
            form.text("description"),
            form.text("days"),
            tuple(day for day in ",".join(form.all("weekly")).split(",") if day in WEEKDAYS),
            form.text("country").upper(),
            form.text("subdivision"),
            form.has("workdays"),
            int(revision) if revision.isascii() and revision.isdigit() else None,
            conflicts.read(form.text("read")),
        )
        taken = conflicts.taken(form.typed())
        return draft._with(three_way.merged(draft.read, draft.read, draft.fields(), take=taken)) if taken else draft

    @classmethod
    def of(cls, calendar: Calendar) -> "Draft":
        """As it is saved; parts that mean nothing are left out."""
        told = calendar.definition
        ranges = [
            f"{one.get('start')} .. {one.get('end')}" for one in told.get("ranges") or () if isinstance(one, dict)
        ]
        days = [*(str(day) for day in told.get("dates") or ()), *ranges]
        rule = told.get("holidays") or {}
        weekly = tuple(day for day in WEEKDAYS if any(str(one).lower()[:3] == day for one in told.get("weekly") or ()))
        return cls(
            calendar.name,
            calendar.description,
            "\n".join(sorted(days)),
            weekly,
            rule.get("country") or "",
            rule.get("subdivision") or "",
            rule.get("workdays") is not False,
            calendar.revision,
        )._read()

    def fields(self) -> dict[str, Any]:
        """What a person fills in, as two versions are compared by it."""
        return {name: getattr(self, name) for name in FIELDS} | {"weekly": list(self.weekly)}

    def typed_again(self) -> dict[str, str]:
        """As a form would send it, each field once."""
        texts = {name: getattr(self, name) for name in ("name", "description", "days", "country", "subdivision")}
        return texts | {"weekly": ",".join(self.weekly)} | ({"workdays": "on"} if self.workdays else {})

    def against(self, theirs: "Draft") -> tuple["Draft", list[Difference]]:
        """The same with what only the other changed, now to be saved over theirs; and all that either changed."""
        both = three_way.merged(self.read, theirs.fields(), self.fields())
        found = three_way.compare(self.read, theirs.fields(), self.fields())
        return replace(self._with(both), revision=theirs.revision, read=theirs.fields()), found

    def _with(self, fields: Mapping[str, Any]) -> "Draft":
        """The same with these; what the form's own text has otherwise is what somebody edited on the way."""
        known = {name: fields[name] for name in FIELDS if isinstance(fields.get(name), type(getattr(self, name)))}
        weekly = tuple(day for day in WEEKDAYS if day in (fields.get("weekly") or ()))
        return replace(self, **known | {"weekly": weekly})

    def _read(self) -> "Draft":
        return replace(self, read=self.fields())

    def definition(self) -> tuple[dict[str, Any], dict[str, int]]:
        """What it means, and on which line each date and range is."""
        dates, ranges, lines = list[str](), list[dict[str, str]](), dict[str, int]()
        for number, line in enumerate(self.days.splitlines(), start=1):
            if not (text := line.strip()):
                continue
            if match := _RANGE.fullmatch(text):
                lines[f"ranges.{len(ranges)}"] = number
                ranges.append({"start": match[1], "end": match[2]})
            else:
                lines[f"dates.{len(dates)}"] = number
                dates.append(text)
        parts: dict[str, Any] = {"dates": dates, "ranges": ranges, "weekly": list(self.weekly)}
        if self.country or self.subdivision:
            rule = {"country": self.country, "subdivision": self.subdivision or None, "workdays": self.workdays}
            parts["holidays"] = rule
        return {name: part for name, part in parts.items() if part}, lines

    def document(self) -> CalendarDocument:
        """The document. Raises: Invalid."""
        definition, _ = self.definition()
        written = {"name": self.name, "description": self.description, "definition": definition}
        return documents.read(CalendarDocument, written)

    def errors(self, problem: ServiceError) -> dict[str, list[str]]:
        """What is wrong, by the form's own fields; of a date with its line."""
        found: dict[str, list[str]] = {}
        _, lines = self.definition()
        for one in getattr(problem, "problems", ()):
            inside = one.field.removeprefix("definition").lstrip(".")
            line = next((number for place, number in lines.items() if f"{inside}.".startswith(f"{place}.")), None)
            said = one.reason if line is None else f"{line}: {one.reason}"
            found.setdefault(_field_of(one.field, inside), []).append(said)
        return found


def _field_of(name: str, inside: str) -> str:
    """The form's field for one of the document's."""
    part = inside.partition(".")[0]
    if part in ("dates", "ranges") or name == "definition":
        return "days"
    return {"weekly": "weekly", "holidays": inside.partition(".")[2] or "country"}.get(part, name)
