"""What a reader does to one schedule besides editing it: run it now, pause, resume, backfill, delete.

Each is a dialog on the schedule's page, and a page of its own where there is no script, or where it was refused: then
with a look of its own, since the transaction of the attempt holds what will not be.
"""

import re
from datetime import timedelta
from typing import Any, Literal

from fastapi import APIRouter, Response

from scheduler_service.api.auth import Operator
from scheduler_service.api.dependencies import Reading, Writing
from scheduler_service.api.schedules import ScheduleId
from scheduler_service.console import argument_fields
from scheduler_service.console.forms import FilledIn, Form
from scheduler_service.console.pages import Page, SignedInPage, Undo, admins, operators
from scheduler_service.console.schedule import context_of
from scheduler_service.console.schedule_fields import local_text, moment
from scheduler_service.errors import Invalid, ServiceError
from scheduler_service.services import backfills, documents, manual_runs, schedule_history, schedules, tasks
from scheduler_service.services.backfills import BackfillDocument, Proposal
from scheduler_service.services.fields import Document, Reason, wire_instant
from scheduler_service.storage.session import Session

router = APIRouter(include_in_schema=False)

Act = Literal["run", "pause", "delete"]
#: What a browser's own field for a time can hold.
LOCAL_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?")
A_FORTNIGHT = timedelta(days=14)


class PauseDocument(Document):
    """Why."""

    reason: Reason


@router.get("/schedules/{schedule_id:int}/run", dependencies=[operators])
def ask_to_run(schedule_id: ScheduleId, page: Page, session: Reading) -> Response:
    """Ask which arguments."""
    return page.show("schedule/act.html", act="run", **context_of(session, page, schedule_id))


@router.get("/schedules/{schedule_id:int}/pause", dependencies=[operators])
def ask_to_pause(schedule_id: ScheduleId, page: Page, session: Reading) -> Response:
    """Ask why."""
    return page.show("schedule/act.html", act="pause", **context_of(session, page, schedule_id))


@router.get("/schedules/{schedule_id:int}/delete", dependencies=[admins])
def ask_to_delete(schedule_id: ScheduleId, page: Page, session: Reading) -> Response:
    """Tell what is lost."""
    return page.show("schedule/act.html", act="delete", **context_of(session, page, schedule_id))


@router.post("/schedules/{schedule_id:int}/run")
def run_schedule(
    schedule_id: ScheduleId, page: Page, form: Form, session: Writing, look: Reading, caller: Operator
) -> Response:
    """Run it now, with the arguments that were typed."""
    try:
        args, kwargs = _arguments(session, page, form, schedule_id)
        run = manual_runs.trigger(session, schedule_id, args=args, kwargs=kwargs, actor=caller, now=page.now)
    except Invalid as why:
        _refuse(look, page, why, schedule_id, "run", form)
    return page.back(f"/runs/{run.id}", page.say("%(name)s runs now.", name=run.schedule_name))


@router.post("/schedules/{schedule_id:int}/pause")
def pause_schedule(
    schedule_id: ScheduleId, page: Page, form: Form, session: Writing, look: Reading, caller: Operator
) -> Response:
    """Stop it from coming due."""
    try:
        if not form.text("reason"):
            raise Invalid.field("reason", page.say("Say why: everyone who finds it paused will ask."))
        reason = documents.read(PauseDocument, {"reason": form.text("reason")}).reason
        task = schedules.pause(session, schedule_id, reason=reason, actor=caller)
    except Invalid as why:
        _refuse(look, page, why, schedule_id, "pause", form)
    undo = Undo(f"/schedules/{schedule_id}/resume", {})
    return page.back(f"/schedules/{schedule_id}", page.say("%(name)s is paused.", name=task.name), undo)


@router.post("/schedules/{schedule_id:int}/resume")
def resume_schedule(schedule_id: ScheduleId, page: Page, session: Writing, caller: Operator) -> Response:
    """Let it come due again."""
    task = schedules.resume(session, schedule_id, actor=caller)
    return page.back(f"/schedules/{schedule_id}", page.say("%(name)s comes due again.", name=task.name))


@router.post("/schedules/{schedule_id:int}/delete", dependencies=[admins])
def delete_schedule(schedule_id: ScheduleId, page: Page, form: Form, session: Writing, look: Reading) -> Response:
    """Delete it, as it was when the reader was asked."""
    name = schedules.get(session, schedule_id).name
    revision = form.text("revision")
    expected = [int(revision)] if revision.isascii() and revision.isdecimal() and len(revision) < 19 else None
    try:
        schedules.delete(session, schedule_id, expected=expected, actor=page.identity.actor)
    except ServiceError as why:
        _refuse(look, page, why, schedule_id, "delete", form)
    return page.back("/schedules", page.say("%(name)s is deleted.", name=name))


@router.get("/schedules/{schedule_id:int}/backfill", dependencies=[operators])
def ask_to_backfill(schedule_id: ScheduleId, page: Page, session: Reading) -> Response:
    """Ask which occurrences: of the last fortnight, unless the reader says otherwise."""
    start, end = (local_text(wire_instant(at), page.zone) for at in (page.now - A_FORTNIGHT, page.now))
    values = {"zone": page.zone.key, "start": start[:16], "end": end[:16], "mode": "missing", "order": "oldest"}
    return page.show("schedule/backfill.html", **_backfill(session, schedule_id, values | {"max_parallel": "1"}))


@router.post("/schedules/{schedule_id:int}/backfill")
def backfill_schedule(
    schedule_id: ScheduleId, page: Page, form: Form, session: Writing, look: Reading, caller: Operator
) -> Response:
    """Show what would run, or, once that was seen, start it."""
    values = form.typed()
    starts = form.text("do") == "start"
    try:
        document = documents.read(BackfillDocument, _backfill_document(form))
        if starts:
            made = backfills.create(session, schedule_id, document, actor=caller, now=page.now).backfill
        else:
            proposal = backfills.propose(look, schedule_id, document, now=page.now)
    except Invalid as why:
        page.refuse(why, "schedule/backfill.html", **_backfill(look, schedule_id, values, errors=False))
    if starts:
        said = page.say_many("A backfill of %(count)s run began.", "A backfill of %(count)s runs began.", made.total)
        return page.back(f"/backfills/{made.id}", said)
    context = _backfill(look, schedule_id, values, proposal, max_parallel=document.max_parallel)
    return page.show("schedule/backfill.html", **context)


def _refuse(
    session: Session, page: SignedInPage, why: ServiceError, schedule_id: int, act: Act, form: FilledIn
) -> None:
    context = context_of(session, page, schedule_id)
    schema = _schema(session, page, context["task"].task)
    typed = form.typed()
    if act == "run":
        context |= {"values": typed, "arguments": argument_fields.form_of(schema, typed)}
    if isinstance(why, Invalid):
        why = Invalid([argument_fields.beside(problem, schema) for problem in why.problems])
    page.refuse(why, "schedule/act.html", act=act, **context)


def _arguments(
    session: Session, page: SignedInPage, form: FilledIn, schedule_id: int
) -> tuple[list[Any] | None, dict[str, Any] | None]:
    """Those that were typed; the schedule's own where the form had none. Raises: Invalid."""
    typed = form.typed()
    if argument_fields.BY_PLACE not in typed:
        return None, None
    schema = _schema(session, page, schedules.get(session, schedule_id).task)
    args, kwargs, problems = argument_fields.arguments_of(schema, typed)
    if problems:
        raise Invalid(problems)
    return args, kwargs


def _schema(session: Session, page: SignedInPage, task: str) -> dict[str, Any] | None:
    known = tasks.find(session, task, now=page.now)
    return known.arguments if known is not None else None


def _backfill_document(form: FilledIn) -> dict[str, Any]:
    zone, parallel = form.text("zone", "UTC"), form.text("max_parallel")
    document: dict[str, Any] = {name: moment(form.text(name), zone) for name in ("start", "end")}
    document |= {name: form.text(name) for name in ("mode", "order")}
    return document | {"max_parallel": int(parallel) if parallel.isdecimal() and len(parallel) < 10 else parallel}


def _backfill(
    session: Session,
    schedule_id: int,
    values: dict[str, str],
    proposal: Proposal | None = None,
    *,
    max_parallel: int = 1,
    errors: bool = True,
) -> dict[str, Any]:
    """What its page is made of. `errors` is left to whoever refuses."""
    usual = schedule_history.look_back(session, schedule_id).usual_seconds
    takes = usual * proposal.total / max_parallel if usual is not None and proposal is not None else None
    context = {
        "task": schedules.get(session, schedule_id),
        "values": values,
        "proposal": proposal,
        "usual": usual,
        "takes": takes,
        "local_form": LOCAL_FORM,
    }
    return context | ({"errors": {}} if errors else {})
