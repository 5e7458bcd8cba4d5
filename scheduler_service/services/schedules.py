"""What a person may do with schedules.

Everything happens in the caller's transaction, which holds the schedule locked from the look at its revision to the
commit. An edit of a timing points the schedule at another row; rows that others share are never written.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from scheduler_service.errors import FieldProblem, Invalid, ScheduleFollowed
from scheduler_service.services import calendar_uses, chain_uses, documents, paging, tasks, validity
from scheduler_service.services.paging import Page
from scheduler_service.services.revisions import Expected, require_revision
from scheduler_service.services.schedule_documents import (
    OF_A_TIMING,
    READ_ONLY,
    REQUIRED,
    CalendarUse,
    ScheduleDocument,
    ScheduleFields,
    columns_of,
    document_of,
    kind_of,
    problems_of_when,
    settled,
)
from scheduler_service.services.timing_documents import FIVE, ClockedDocument, TimingDocument, is_same
from scheduler_service.services.validity import EVERYTHING, Changed
from scheduler_service.storage import audit, chains
from scheduler_service.storage import schedule_lists as lists
from scheduler_service.storage import schedules as stored
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.schedule_lists import Order, ScheduleFilter
from scheduler_service.storage.session import Session
from scheduler_service.storage.timings import anchor_of, point_at

Change = Callable[[PeriodicTask], None]
Check = Callable[[PeriodicTask, Changed], None]


def get(session: Session, schedule_id: int) -> PeriodicTask:
    """Raises: ScheduleNotFound."""
    return stored.get(session, schedule_id)


def search(
    session: Session, wanted: ScheduleFilter, *, order: Order, limit: int, cursor: str | None, total: bool = False
) -> Page[PeriodicTask]:
    """A page of schedules in this order, perhaps with the count of all. Raises: Invalid, for another list's cursor."""
    listing = f"schedules by {order}"
    kind = str if order.by == "name" else datetime
    after = paging.decode(listing, cursor, (kind, int)) if cursor is not None else None
    rows = lists.search(session, wanted, order, limit=limit + 1, after=(after[0], after[1]) if after else None)
    count = lists.count(session, wanted) if total else None
    return paging.page_of(rows, limit=limit, listing=listing, place=lambda row: lists.place(row, order), total=count)


def create(session: Session, document: ScheduleDocument, *, actor: str, now: datetime) -> PeriodicTask:
    """Make a schedule. Its first occurrence is the first after now. Raises: ScheduleNameTaken, Invalid."""
    allow = document.allow_unknown_task
    tasks.require_fitting(session, document.task, document.args, document.kwargs, allow_unknown=allow, now=now)
    task = PeriodicTask(**settled(columns_of(document)))
    task.kind = document.kind or kind_of(document.task)
    point_at(session, task, document.timing.timing(now) if document.timing is not None else None)
    chain_uses.put(session, task, document.after)
    _set_calendar(task, document.calendar, session=session)
    stored.save(session, task)
    validity.refuse_empty(task, EVERYTHING, allow_past=_allows_past(document.timing), now=now)
    _record(session, task, action="create", actor=actor, before={}, after=document_of(task))
    return task


def replace(
    session: Session, schedule_id: int, document: ScheduleDocument, *, expected: Expected, actor: str, now: datetime
) -> PeriodicTask:
    """Make the schedule what the document says; one that says what is there changes nothing.

    Raises: ScheduleNotFound, RevisionMismatch, ScheduleNameTaken, Invalid.
    """

    def change(task: PeriodicTask) -> None:
        _set_timing(task, document.timing, session=session)
        chain_uses.put(session, task, document.after)
        _set_calendar(task, document.calendar, session=session)
        stored.change(task, settled(columns_of(document)) | {"kind": document.kind or kind_of(document.task)})

    def check(task: PeriodicTask, changed: Changed) -> None:
        _require_fitting(session, task, changed, allow_unknown=document.allow_unknown_task, now=now)
        validity.refuse_empty(task, changed, allow_past=_allows_past(document.timing), now=now)

    return _edit(session, schedule_id, change, check, action="replace", expected=expected, actor=actor)


def patch(
    session: Session, schedule_id: int, patch: dict[str, Any], *, expected: Expected, actor: str, now: datetime
) -> PeriodicTask:
    """Apply a merge patch (RFC 7396). A timing of another type replaces the one that is there.

    A schedule has a timing, or runs after others: the one that is given replaces the other. Only what the patch touches
    is checked. Raises: ScheduleNotFound, RevisionMismatch, ScheduleNameTaken, Invalid.
    """

    wanted: list[ScheduleFields] = []

    def change(task: PeriodicTask) -> None:
        fields = _patched(task, patch)
        wanted.append(fields)
        values = {name: value for name, value in columns_of(fields).items() if name in patch}
        if {"timing", "after"} & patch.keys():
            _set_timing(task, fields.timing, session=session)
            chain_uses.put(session, task, fields.after)
        if "calendar" in patch:
            _set_calendar(task, fields.calendar, session=session)
        if "kind" in patch or ("task" in patch and task.kind == kind_of(task.task)):
            values["kind"] = fields.kind or kind_of(values.get("task", task.task))
        stored.change(task, settled({"enabled": task.enabled, "paused_reason": task.paused_reason} | values))

    def check(task: PeriodicTask, changed: Changed) -> None:
        _require_fitting(session, task, changed, allow_unknown=wanted[0].allow_unknown_task, now=now)
        validity.refuse_empty(task, changed, allow_past=_allows_past(wanted[0].timing), now=now)

    return _edit(session, schedule_id, change, check, action="patch", expected=expected, actor=actor)


def delete(session: Session, schedule_id: int, *, expected: Expected, actor: str) -> None:
    """Delete the schedule; its runs stay. Raises: ScheduleNotFound, RevisionMismatch, ScheduleFollowed."""
    task = stored.get_locked(session, schedule_id)
    before = document_of(task)
    require_revision(task, "schedule", expected, document=before)
    if waiting := chains.followers(session, [task.id]):
        raise ScheduleFollowed(schedule_id, waiting[task.id])
    stored.remove(session, task)
    _record(session, task, action="delete", actor=actor, before=before, after={})


def pause(
    session: Session, schedule_id: int, *, reason: str | None, expected: Expected = None, actor: str
) -> PeriodicTask:
    """Stop the schedule from coming due until it is resumed; pausing again without a reason keeps the one it has.

    Raises: ScheduleNotFound, RevisionMismatch.
    """

    def change(task: PeriodicTask) -> None:
        kept = None if task.enabled else task.paused_reason
        stored.change(task, {"enabled": False, "paused_reason": reason or kept})

    return _edit(session, schedule_id, change, action="pause", expected=expected, actor=actor)


def resume(session: Session, schedule_id: int, *, expected: Expected = None, actor: str) -> PeriodicTask:
    """Let the schedule come due again, from its next occurrence on: paused time is not caught up.

    Raises: ScheduleNotFound, RevisionMismatch.
    """

    def change(task: PeriodicTask) -> None:
        stored.change(task, {"enabled": True, "paused_reason": None})

    return _edit(session, schedule_id, change, action="resume", expected=expected, actor=actor)


def _edit(
    session: Session,
    schedule_id: int,
    change: Change,
    check: Check | None = None,
    *,
    action: str,
    expected: Expected,
    actor: str,
) -> PeriodicTask:
    task = stored.get_locked(session, schedule_id)
    before, terms = document_of(task), validity.understood(task)
    require_revision(task, "schedule", expected, document=before)
    change(task)
    stored.save(session, task)
    after = document_of(task)
    if check is not None:
        check(task, Changed(frozenset(documents.differences(before, after)), terms))
    _record(session, task, action=action, actor=actor, before=before, after=after)
    return task


def _require_fitting(
    session: Session, task: PeriodicTask, changed: Changed, *, allow_unknown: bool, now: datetime
) -> None:
    """What was there already is left alone, also when its worker has learnt otherwise since."""
    if changed.fields & {"task", "args", "kwargs"}:
        allow = allow_unknown or "task" not in changed.fields
        tasks.require_fitting(session, task.task, task.args, task.kwargs, allow_unknown=allow, now=now)


def _patched(task: PeriodicTask, patch: dict[str, Any]) -> ScheduleFields:
    """The fields that the patch names, as they will be, and those they are to be checked against."""
    current = document_of(task)
    merged = documents.merge_patch(current, patch)
    if isinstance(patch.get("timing"), dict):
        merged["timing"] = _patched_timing(current["timing"], patch["timing"])
    fixed = [FieldProblem(name, "is set by the service") for name in READ_ONLY if name in patch]
    fixed += [FieldProblem(name, "cannot be removed") for name in REQUIRED if name in patch and patch[name] is None]
    if {"timing", "after"} & patch.keys():
        merged |= _when_of(patch)
    touched = {name: merged[name] for name in patch if name in merged and name not in READ_ONLY}
    if {"timing", "after"} & patch.keys():
        touched |= {name: merged[name] for name in ("timing", "after", *OF_A_TIMING) if name in merged}
    if {"start_time", "expires"} & touched.keys():
        touched |= {name: merged[name] for name in ("start_time", "expires") if name in merged}
    try:
        fields = documents.read(ScheduleFields, touched)
    except Invalid as why:
        raise Invalid([*fixed, *why.problems]) from None
    fixed += problems_of_when(fields) if {"timing", "after"} & patch.keys() else []
    if fixed:
        raise Invalid(fixed)
    return fields


def _when_of(patch: dict[str, Any]) -> dict[str, Any]:
    """When and after whom, as they will be: what is given takes the other's place."""
    if patch.get("timing") is not None and not patch.get("after"):
        return {"after": []}
    if patch.get("after") and patch.get("timing") is None:
        return {"timing": None}
    return {}


def _patched_timing(current: dict[str, Any] | None, patch: dict[str, Any]) -> Any:
    """An expression replaces the five fields."""
    if current is not None and patch.get("expression") is not None:
        current = {name: value for name, value in current.items() if name not in FIVE}
    return documents.merge_patch(current, patch, typed=True)


def _set_timing(task: PeriodicTask, wanted: TimingDocument | None, *, session: Session) -> None:
    timing = wanted.timing(anchor_of(task)) if wanted is not None else None
    if timing is None or not is_same(task, timing):
        point_at(session, task, timing)


def _allows_past(wanted: TimingDocument | None) -> bool:
    return isinstance(wanted, ClockedDocument) and wanted.allow_past


def _set_calendar(task: PeriodicTask, wanted: CalendarUse | None, *, session: Session) -> None:
    """Nothing is flushed meanwhile: a half-edited schedule would count as a revision of its own."""
    with session.no_autoflush:
        found = calendar_uses.named(session, wanted, locked=True) if wanted is not None else None
        calendar_uses.put(task, found, mode=wanted.mode if wanted is not None else None)


def _record(
    session: Session, task: PeriodicTask, *, action: str, actor: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Nothing is written where nothing changed."""
    changes = documents.differences(before, after)
    if changes:
        audit.record(
            session,
            actor=actor,
            action=action,
            subject_type="schedule",
            subject_id=task.id,
            subject_name=task.name,
            changes=changes,
        )
