"""Schedules out to a file, and in again: by name, planned as a whole and applied in one transaction.

What a file says of a schedule is all of it: what it leaves out has its default. So a second import of the same file
changes nothing, and an export after an import is the file. What nothing will ever come of is taken too: a file holds
schedules that are over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scheduler_service.errors import FieldProblem, Invalid, ScheduleFollowed
from scheduler_service.services import calendar_uses, chain_uses, documents
from scheduler_service.services.schedule_documents import (
    CalendarUse,
    ScheduleDocument,
    columns_of,
    document_of,
    document_to_be,
    kind_of,
    settled,
)
from scheduler_service.services.tasks import Fitting
from scheduler_service.services.timing_documents import document_of_timing, is_same
from scheduler_service.services.transfer_documents import MOST_PROBLEMS, Format, TransferDocument, item_of, written
from scheduler_service.storage import audit, chains, schedule_batches, schedule_lists
from scheduler_service.storage.models import Calendar, PeriodicTask
from scheduler_service.storage.schedule_lists import ScheduleFilter
from scheduler_service.storage.schedules import change
from scheduler_service.storage.session import Session
from scheduler_service.storage.timings import anchor_of, point_at
from scheduler_service.timing.timings import Timing

SOURCE = "import"
#: What must fit the task.
CALL = frozenset({"task", "args", "kwargs"})


@dataclass(frozen=True)
class Wish:
    """How a file is to be taken. Pruned is what the file does not name: of schedules with these tags, if any."""

    dry_run: bool = False
    prune: bool = False
    tags: tuple[str, ...] = ()
    allow_unknown_task: bool = False


@dataclass(frozen=True)
class Edit:
    """A schedule that is there, and what becomes of it."""

    task: PeriodicTask
    wanted: ScheduleDocument
    changes: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Plan:
    """What an import does, or would."""

    created: list[ScheduleDocument]
    changed: list[Edit]
    unchanged: list[str]
    pruned: list[PeriodicTask]


def export(session: Session, wanted: ScheduleFilter, form: Format) -> str:
    """The schedules as a file."""
    return written((item_of(task) for task in schedule_lists.each(session, wanted)), form)


def export_some(session: Session, ids: Sequence[int], form: Format) -> str:
    """Those of these schedules that there are, as a file."""
    return written((item_of(task) for task in schedule_batches.some(session, ids, locked=False)), form)


def bring(session: Session, document: TransferDocument, wish: Wish, *, actor: str, now: datetime) -> Plan:
    """Make the schedules what the file says. Raises: Invalid, naming what is wrong in it; ImportOvertaken."""
    _require_one_of_each(document.schedules)
    there = _there(session, document, wish)
    plan = _planned(document, there, wish)
    calendars = _require_sense(session, document, plan, wish, now=now)
    if not wish.dry_run:
        audit.comes_from(session, SOURCE)
        chains.take_turns(session)
        _create(session, plan.created, calendars, actor=actor, now=now)
        _change(session, plan.changed, calendars, actor=actor)
        _prune(session, plan.pruned, actor=actor)
    return plan


def _there(session: Session, document: TransferDocument, wish: Wish) -> list[PeriodicTask]:
    """Those that the file names, and those that it may prune; locked, unless it is only asked."""
    ids = set(schedule_batches.ids_of(session, [wanted.name for wanted in document.schedules]))
    if wish.prune:
        ids |= set(schedule_lists.ids(session, ScheduleFilter(tags=wish.tags)))
    return schedule_batches.some(session, list(ids), locked=not wish.dry_run)


def _planned(document: TransferDocument, there: list[PeriodicTask], wish: Wish) -> Plan:
    by_name = {task.name: task for task in there}
    known = [wanted for wanted in document.schedules if wanted.name in by_name]
    edits = [_edit(by_name[wanted.name], wanted) for wanted in known]
    named = {wanted.name for wanted in document.schedules}
    return Plan(
        created=[wanted for wanted in document.schedules if wanted.name not in by_name],
        changed=[edit for edit in edits if edit.changes],
        unchanged=[edit.task.name for edit in edits if not edit.changes],
        pruned=[task for task in there if task.name not in named] if wish.prune else [],
    )


def _edit(task: PeriodicTask, wanted: ScheduleDocument) -> Edit:
    before = document_of(task)
    timing = _timing(wanted, anchor_of(task))
    as_timed = None
    if timing is not None:
        as_timed = before["timing"] if is_same(task, timing) else document_of_timing(timing)
    return Edit(task, wanted, documents.differences(before, document_to_be(wanted, as_timed)))


def _timing(wanted: ScheduleDocument, anchor: datetime) -> Timing | None:
    return wanted.timing.timing(anchor) if wanted.timing is not None else None


def _require_one_of_each(schedules: list[ScheduleDocument]) -> None:
    first: dict[str, int] = {}
    problems = []
    for place, wanted in enumerate(schedules):
        if (earlier := first.setdefault(wanted.name, place)) != place:
            problems.append(FieldProblem(f"schedules.{place}.name", f"is the name of schedules.{earlier} as well"))
    _require_none(problems)


def _require_sense(
    session: Session, document: TransferDocument, plan: Plan, wish: Wish, *, now: datetime
) -> dict[str, Calendar]:
    """The calendars that are named; refuse those, and tasks and arguments, that are not there or do not fit."""
    calendars: dict[str, Calendar] = {}
    problems: list[FieldProblem] = []
    changes = {edit.task.name: set(edit.changes) for edit in plan.changed}
    changes |= {wanted.name: {"task"} for wanted in plan.created}
    missing = _missing(session, document, plan)
    fitting = Fitting(session, now=now)
    fitting.learn({wanted.task for wanted in document.schedules})
    for place, wanted in enumerate(document.schedules):
        found = _misfits(fitting, wanted, changes.get(wanted.name, set()), wish)
        found += _learn_calendar(session, wanted.calendar, calendars)
        found += [
            FieldProblem(f"after.{number}", f"no schedule is named {name!r}")
            for number, name in enumerate(wanted.after)
            if name in missing
        ]
        problems += [FieldProblem(f"schedules.{place}.{it.field}", it.reason, it.example) for it in found]
    _require_none(problems)
    edges = chains.edges(session) | {wanted.name: set(wanted.after) for wanted in document.schedules}
    chain_uses.refuse_circles(edges)
    for key, names in chains.followers(session, [task.id for task in plan.pruned]).items():
        left = [name for name in names if not edges.get(name, set()).isdisjoint({task.name for task in plan.pruned})]
        if left:
            raise ScheduleFollowed(key, left)
    return calendars


def _missing(session: Session, document: TransferDocument, plan: Plan) -> set[str]:
    """Those that schedules of the file are to run after, and that are neither there nor in the file."""
    named = {name for wanted in document.schedules for name in wanted.after}
    there = {task.name for task in schedule_batches.named(session, sorted(named))}
    pruned = {task.name for task in plan.pruned}
    return named - (there - pruned) - {wanted.name for wanted in document.schedules}


def _misfits(fitting: Fitting, wanted: ScheduleDocument, changed: set[str], wish: Wish) -> list[FieldProblem]:
    allow = wish.allow_unknown_task or wanted.allow_unknown_task or "task" not in changed
    found = [] if allow else fitting.unknown(wanted.task)
    return found + (fitting.misfits(wanted.task, wanted.args, wanted.kwargs) if changed & CALL else [])


def _learn_calendar(session: Session, use: CalendarUse | None, known: dict[str, Calendar]) -> list[FieldProblem]:
    if use is None or use.name in known:
        return []
    try:
        known[use.name] = calendar_uses.named(session, use, locked=True)
    except Invalid as why:
        return why.problems
    return []


def _require_none(problems: list[FieldProblem]) -> None:
    if problems:
        raise Invalid(problems[:MOST_PROBLEMS])


def _create(
    session: Session, schedules: list[ScheduleDocument], calendars: dict[str, Calendar], *, actor: str, now: datetime
) -> None:
    made = []
    for wanted in schedules:
        task = PeriodicTask(**settled(columns_of(wanted)))
        task.kind = wanted.kind or kind_of(wanted.task)
        point_at(session, task, _timing(wanted, now))
        _put_calendar(task, wanted.calendar, calendars)
        made.append(task)
    schedule_batches.add_all(session, made)
    for task, wanted in zip(made, schedules, strict=True):
        if wanted.after:
            task.upstreams = chain_uses.named(session, wanted.after)
    session.flush()
    told = [(task.id, task.name, documents.differences({}, document_of(task))) for task in made]
    audit.record_all(session, actor=actor, action="create", schedules=told)


def _change(session: Session, edits: list[Edit], calendars: dict[str, Calendar], *, actor: str) -> None:
    for edit in edits:
        task, wanted = edit.task, edit.wanted
        if "timing" in edit.changes:
            point_at(session, task, _timing(wanted, anchor_of(task)))
        if "after" in edit.changes:
            task.upstreams, task.revision = chain_uses.named(session, wanted.after), task.revision + 1
        if "calendar" in edit.changes:
            _put_calendar(task, wanted.calendar, calendars)
        change(task, settled(columns_of(wanted)) | {"kind": wanted.kind or kind_of(wanted.task)})
    session.flush()
    told = [(edit.task.id, edit.task.name, edit.changes) for edit in edits]
    audit.record_all(session, actor=actor, action="replace", schedules=told)


def _put_calendar(task: PeriodicTask, use: CalendarUse | None, calendars: dict[str, Calendar]) -> None:
    if use is None:
        calendar_uses.put(task, None, mode=None)
    else:
        calendar_uses.put(task, calendars[use.name], mode=use.mode)


def _prune(session: Session, tasks: list[PeriodicTask], *, actor: str) -> None:
    told = [(task.id, task.name, documents.differences(document_of(task), {})) for task in tasks]
    schedule_batches.remove_all(session, [task.id for task in tasks])
    audit.record_all(session, actor=actor, action="delete", schedules=told)
