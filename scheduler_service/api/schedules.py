"""Routes of schedules."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query

from scheduler_service.api.auth import Admin, Operator, for_viewers
from scheduler_service.api.dependencies import Answering, IfMatch, Now, Reader, Reading, Writing
from scheduler_service.api.idempotency import OnceRoute, once
from scheduler_service.api.run_schemas import RunDetailOut, RunOut, RunsOfScheduleQuery
from scheduler_service.api.schedule_schemas import NextOut, NextQuery, ScheduleOut, ScheduleQuery
from scheduler_service.api.schemas import MergePatch, PageOut, PauseRequest, TriggerRequest
from scheduler_service.services import manual_runs, previews, runs, schedules
from scheduler_service.services.fields import Id
from scheduler_service.services.previews import PreviewDocument
from scheduler_service.services.schedule_documents import ScheduleDocument, WholeScheduleDocument

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=OnceRoute)

ScheduleId = Annotated[Id, Path()]


@router.get("")
def list_schedules(query: Annotated[ScheduleQuery, Query()], session: Reading, reader: Reader) -> PageOut[ScheduleOut]:
    """List schedules, filtered and sorted."""
    page = schedules.search(
        session, query.wanted(), order=query.order(), limit=query.limit, cursor=query.cursor, total=query.total
    )
    return PageOut.of(page, partial(ScheduleOut.of, language=reader))


@router.post("", status_code=201, dependencies=[once])
def create_schedule(
    body: ScheduleDocument, session: Writing, caller: Admin, now: Now, answer: Answering, reader: Reader
) -> ScheduleOut:
    """Make a schedule. It first fires at its first occurrence after now."""
    made = ScheduleOut.of(schedules.create(session, body, actor=caller, now=now), reader)
    return answer.tagged(answer.located(made, under="/api/v1/schedules"))


@router.post("/preview", dependencies=[for_viewers])
def preview_timing(body: PreviewDocument, session: Reading, now: Now, reader: Reader) -> NextOut:
    """The occurrences of a timing that is not saved, as Beat would decide them."""
    return NextOut.of(previews.of_timing(session, body, now=now, language=reader))


@router.get("/{schedule_id}")
def get_schedule(schedule_id: ScheduleId, session: Reading, answer: Answering, reader: Reader) -> ScheduleOut:
    """Read a schedule. Its ETag is its revision."""
    return answer.tagged(ScheduleOut.of(schedules.get(session, schedule_id), reader))


@router.put("/{schedule_id}")
def replace_schedule(
    schedule_id: ScheduleId,
    body: WholeScheduleDocument,
    session: Writing,
    caller: Admin,
    now: Now,
    expected: IfMatch,
    answer: Answering,
    reader: Reader,
) -> ScheduleOut:
    """Replace a schedule: what is left out has its default. What was read may be sent back."""
    task = schedules.replace(session, schedule_id, body, expected=expected, actor=caller, now=now)
    return answer.tagged(ScheduleOut.of(task, reader))


@router.patch("/{schedule_id}")
def patch_schedule(
    schedule_id: ScheduleId,
    body: Annotated[MergePatch, Body(examples=[{"description": "every morning", "queue": None}])],
    session: Writing,
    caller: Admin,
    now: Now,
    expected: IfMatch,
    answer: Answering,
    reader: Reader,
) -> ScheduleOut:
    """Change some fields, by JSON merge patch (RFC 7396). A timing of another type replaces the present one."""
    task = schedules.patch(session, schedule_id, body, expected=expected, actor=caller, now=now)
    return answer.tagged(ScheduleOut.of(task, reader))


@router.delete("/{schedule_id}", status_code=204)
def delete_schedule(schedule_id: ScheduleId, session: Writing, caller: Admin, expected: IfMatch) -> None:
    """Delete a schedule. Its runs stay; those that wait are cancelled."""
    schedules.delete(session, schedule_id, expected=expected, actor=caller)


@router.post("/{schedule_id}/pause")
def pause_schedule(
    schedule_id: ScheduleId,
    session: Writing,
    caller: Operator,
    expected: IfMatch,
    answer: Answering,
    reader: Reader,
    body: PauseRequest | None = None,
) -> ScheduleOut:
    """Stop a schedule from coming due until it is resumed."""
    reason = body.reason if body else None
    task = schedules.pause(session, schedule_id, reason=reason, expected=expected, actor=caller)
    return answer.tagged(ScheduleOut.of(task, reader))


@router.post("/{schedule_id}/resume")
def resume_schedule(
    schedule_id: ScheduleId, session: Writing, caller: Operator, expected: IfMatch, answer: Answering, reader: Reader
) -> ScheduleOut:
    """Let a paused schedule come due again. Paused time is not caught up."""
    task = schedules.resume(session, schedule_id, expected=expected, actor=caller)
    return answer.tagged(ScheduleOut.of(task, reader))


@router.post("/{schedule_id}/trigger", status_code=202, dependencies=[once])
def trigger_schedule(
    schedule_id: ScheduleId,
    session: Writing,
    caller: Operator,
    now: Now,
    answer: Answering,
    body: TriggerRequest | None = None,
) -> RunDetailOut:
    """Run a schedule now, with all its options and perhaps other arguments. Its timing is not moved."""
    given = body or TriggerRequest()
    run = manual_runs.trigger(session, schedule_id, args=given.args, kwargs=given.kwargs, actor=caller, now=now)
    return answer.located(RunDetailOut.of(run), under="/api/v1/runs")


@router.get("/{schedule_id}/next")
def preview_schedule(
    schedule_id: ScheduleId, query: Annotated[NextQuery, Query()], session: Reading, now: Now, reader: Reader
) -> NextOut:
    """The next occurrences, as Beat will decide them; of a paused schedule, as if it were resumed."""
    found = previews.upcoming(session, schedule_id, after=query.after, now=now, count=query.count, language=reader)
    return NextOut.of(found)


@router.get("/{schedule_id}/runs")
def list_runs_of_schedule(
    schedule_id: ScheduleId, query: Annotated[RunsOfScheduleQuery, Query()], session: Reading
) -> PageOut[RunOut]:
    """List the runs of a schedule."""
    page = runs.search_of_schedule(
        session,
        schedule_id,
        query.wanted(schedule_id),
        order=query.order,
        limit=query.limit,
        cursor=query.cursor,
        total=query.total,
    )
    return PageOut.of(page, RunOut.of)
