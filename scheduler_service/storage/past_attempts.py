"""What is kept of a run's earlier attempts: written with the next one, and never by a run that needs only one."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, case, func, literal, type_coerce
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.columns import Json
from scheduler_service.storage.models import TaskRun

MOST_KEPT = 20
LONGEST_ERROR = 2000
LONGEST_TRACEBACK = 4000


def kept(
    session: Session, state: Any, *, error: Any = None, traceback: Any = None, ended_at: Any, now: datetime
) -> dict[str, Any]:
    """Columns for the UPDATE that gives a run another attempt: the present one is added to the earlier ones.

    `state`, `error`, `traceback` and `ended_at` tell how it ended; they may be columns of the run. The oldest go first,
    and of a long traceback the beginning, when there is too much. A run that has not started has nothing to keep.
    """
    told = {
        "attempt": TaskRun.attempt,
        "state": _sql(state),
        "worker": TaskRun.worker,
        "started_at": _wire(session, TaskRun.started_at),
        "ended_at": _wire(session, ended_at),
        "error": func.substr(_sql(error), 1, LONGEST_ERROR),
        "traceback": _tail(session, _sql(traceback)),
    }
    pairs = [part for name, value in told.items() for part in (literal(name), value)]
    earlier = func.coalesce(TaskRun.past_attempts, type_coerce([], Json), type_=Json)
    added: Any
    if is_postgresql(session):
        room = case((func.jsonb_array_length(earlier) < MOST_KEPT, earlier), else_=earlier.op("-")(0))
        added = room.op("||")(func.jsonb_build_array(func.jsonb_build_object(*pairs)))
    else:
        room = case((func.json_array_length(earlier) < MOST_KEPT, earlier), else_=func.json_remove(earlier, "$[0]"))
        added = func.json_insert(room, "$[#]", func.json_object(*pairs))
    return {
        "past_attempts": case((TaskRun.started_at.is_(None), TaskRun.past_attempts), else_=type_coerce(added, Json)),
        "attempt_ended_at": now,
    }


def _sql(text: Any) -> Any:
    return literal(text, String) if text is None or isinstance(text, str) else text


def _wire(session: Session, at: Any) -> Any:
    if isinstance(at, datetime):
        return literal(at.isoformat().replace("+00:00", "Z"))
    if is_postgresql(session):
        return func.to_char(func.timezone("UTC", at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    return func.replace(type_coerce(at, String), " ", "T") + literal("Z")


def _tail(session: Session, text: Any) -> Any:
    return func.right(text, LONGEST_TRACEBACK) if is_postgresql(session) else func.substr(text, -LONGEST_TRACEBACK)
