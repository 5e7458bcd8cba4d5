"""Whether anything will ever come of a schedule, told when it is written and not when somebody wonders a week later."""

from dataclasses import dataclass, replace
from datetime import datetime

from scheduler_service.errors import FieldProblem, Invalid, InvalidTiming
from scheduler_service.services.fields import wire_instant
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.timings import terms_of
from scheduler_service.timing import planning
from scheduler_service.timing.clocked import Clocked
from scheduler_service.timing.planning import Terms

#: Fields of the document that decide whether anything comes at all.
DECIDES_WHETHER = frozenset({"timing", "start_time", "expires", "calendar"})


@dataclass(frozen=True)
class Changed:
    """What an edit did: the fields of the document, and when the schedule came before, as far as it was understood."""

    fields: frozenset[str]
    before: Terms | None


EVERYTHING = Changed(DECIDES_WHETHER, None)


def understood(task: PeriodicTask) -> Terms | None:
    """When the schedule comes; None for a row that was written past us and means nothing."""
    try:
        return terms_of(task)
    except InvalidTiming:
        return None


def refuse_empty(task: PeriodicTask, changed: Changed, *, allow_past: bool, now: datetime) -> None:
    """Refuse what nothing will ever come of, unless it was so before, by a field that this edit leaves alone.

    Raises: Invalid, naming the field that makes it so.
    """
    if allow_past or not changed.fields & DECIDES_WHETHER:
        return
    try:
        found = problem_of(terms_of(task), now=now)
    except InvalidTiming as why:  # what is wrong was written past us, and the schedule is in quarantine for it
        if "calendar" in changed.fields and why.problems[0].field.startswith("calendar"):
            raise
        return
    if found is None:
        return
    edited = {"timing", found.field} & changed.fields
    if edited or (changed.before is not None and problem_of(changed.before, now=now) is None):
        raise Invalid([found])


def problem_of(terms: Terms, *, now: datetime) -> FieldProblem | None:
    """Why no occurrence comes after now, and which field makes it so; None when one comes."""
    if planning.first(terms, after=now) is not None:
        return None
    bare = replace(terms, start_time=None, expires=None, days=None)
    if planning.first(bare, after=now) is None:
        return _spent(terms)
    if planning.first(replace(bare, start_time=terms.start_time), after=now) is None:
        return FieldProblem("start_time", "is after the last occurrence that the timing has")
    unending = planning.first(replace(terms, expires=None), after=now)
    if unending is None:
        use = "are none of its days" if terms.days and terms.days.keep else "are days that it leaves out"
        return FieldProblem("calendar", f"leaves nothing of the timing: all days on which it comes from now on {use}")
    first = wire_instant(unending.occurrence_at)
    return FieldProblem("expires", f"is before the first occurrence from now on, which is at {first}", first)


def _spent(terms: Terms) -> FieldProblem:
    if isinstance(terms.timing, Clocked):
        return FieldProblem("timing.clocked_time", "is in the past; with allow_past it is taken, and never fires")
    return FieldProblem("timing", "has no occurrence from now on: its last has passed, or all fall into a clock change")
