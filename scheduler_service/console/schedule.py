"""The page of one schedule: what it is, what became of it, what will, and who changed it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import APIRouter, Response

from scheduler_service.api.dependencies import Reading
from scheduler_service.api.schedules import ScheduleId
from scheduler_service.console import argument_fields, changes, sentences
from scheduler_service.console.argument_fields import ArgumentForm
from scheduler_service.console.charts.timeline import Timeline, timeline
from scheduler_service.console.charts.trend import Trend, trend
from scheduler_service.console.kinds import KINDS
from scheduler_service.console.pages import Page, SignedInPage
from scheduler_service.console.policies import Policy, exactly, policies
from scheduler_service.console.when import when_text
from scheduler_service.errors import InvalidTiming, NotFound
from scheduler_service.services import audit, backfills, previews, schedule_history, schedules, tasks
from scheduler_service.services.previews import Preview
from scheduler_service.services.schedule_history import History
from scheduler_service.storage.audit import AuditFilter
from scheduler_service.storage.backfills import BackfillFilter
from scheduler_service.storage.models import AuditEvent, Backfill, PeriodicTask
from scheduler_service.storage.schedules import state_of
from scheduler_service.storage.session import Session
from scheduler_service.storage.timings import terms_of
from scheduler_service.timing.clock_changes import ClockChange, clock_changes

router = APIRouter(include_in_schema=False)

NEXT, EVENTS, BACKFILLS = 10, 5, 5
A_YEAR = timedelta(days=366)


@dataclass(frozen=True)
class Tied:
    """A definition that the schedule runs: what it is called, and its page; no name: it is not there."""

    path: str
    name: str | None


@dataclass(frozen=True)
class Shown:
    """A schedule with everything that its page tells."""

    task: PeriodicTask
    state: str
    when: str
    coming: Preview
    policies: list[Policy]
    history: History
    line: Timeline
    took: Trend | None
    late: Trend | None
    followers: Sequence[tuple[int, str]]
    events: Sequence[AuditEvent]
    more_events: bool
    backfills: Sequence[Backfill]
    tied: Tied | None
    arguments: ArgumentForm
    values: dict[str, str]
    waiting: int


@router.get("/schedules/{schedule_id:int}")
def show_schedule(schedule_id: ScheduleId, page: Page, session: Reading) -> Response:
    """Everything about one schedule."""
    template = "schedule/live.html" if page.is_part else "schedule/show.html"
    return page.show(template, **context_of(session, page, schedule_id))


def context_of(session: Session, page: SignedInPage, schedule_id: int) -> dict[str, Any]:
    """What its templates are made of. Raises: ScheduleNotFound."""
    told = {"changed": changes.changed, "told": sentences.told, "written": argument_fields.written}
    return {**vars(look_at(session, page, schedule_id)), **told, "exactly": partial(exactly, reader=page.reader)}


def look_at(session: Session, page: SignedInPage, schedule_id: int) -> Shown:
    """The schedule, as it is now. Raises: ScheduleNotFound."""
    task = schedules.get(session, schedule_id)
    history = schedule_history.look_back(session, schedule_id)
    wanted = AuditFilter(subject_type="schedule", subject_id=str(schedule_id))
    events = audit.search(session, wanted, limit=EVENTS, cursor=None, total=False)
    running = backfills.search(session, BackfillFilter(schedule_id), limit=BACKFILLS, cursor=None)
    known = tasks.find(session, task.task, now=page.now)
    schema = known.arguments if known is not None else None
    values = argument_fields.values_of(schema, task.args, task.kwargs)
    return Shown(
        task=task,
        state=state_of(task),
        when=capital(when_text(task, page.reader)),
        coming=_coming(session, page, task),
        policies=policies(task, page.reader, clock_changes=_clock_changes(page, task)),
        history=history,
        line=timeline(history.runs),
        took=trend(history.durations),
        late=trend(history.late),
        followers=schedule_history.followers(session, schedule_id),
        events=events.items,
        more_events=events.next_cursor is not None,
        backfills=running.items,
        tied=_tied(session, task),
        arguments=argument_fields.form_of(schema, values),
        values=values,
        waiting=schedule_history.waiting(session, schedule_id),
    )


def capital(text: str) -> str:
    """As the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def _coming(session: Session, page: SignedInPage, task: PeriodicTask) -> Preview:
    """Nothing, of a row that was written past us and means nothing: its state says why."""
    try:
        return previews.upcoming(session, task.id, after=None, now=page.now, count=NEXT, language=page.language)
    except InvalidTiming:
        return Preview([], page.zone, "")


def _clock_changes(page: SignedInPage, task: PeriodicTask) -> list[ClockChange]:
    if task.upstreams:
        return []
    try:
        return clock_changes(terms_of(task).timing, after=page.now, until=page.now + A_YEAR)
    except InvalidTiming:
        return []


def _tied(session: Session, task: PeriodicTask) -> Tied | None:
    for kind in KINDS.values():
        if kind.called.task == task.task:
            said = task.args[0] if task.args else task.kwargs.get(kind.called.argument)
            if not isinstance(said, int | str) or not str(said).isdecimal():
                return None
            path = f"{kind.path}/{int(said)}"
            try:
                return Tied(path, kind.services.get(session, int(said)).name)
            except NotFound:
                return Tied(path, None)
    return None
