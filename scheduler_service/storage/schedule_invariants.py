"""What is always true of schedules, and what is not true of them for long.

What only the timing room can tell (whether a next run is one of the timing's instants, whether occurrences were lost)
is worked out for a sample drawn anew each time, so that a look at a hundred thousand schedules takes a second or two.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, case, exists, func, literal, or_, select, text, type_coerce
from sqlalchemy.orm import Session

from scheduler_service.storage.columns import Instant
from scheduler_service.storage.findings import Finding, Found, Invariant, at, schedule_subject
from scheduler_service.storage.models import (
    PLANNABLE,
    SHADOW,
    Calendar,
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    RruleSchedule,
    SolarSchedule,
    TaskRun,
)
from scheduler_service.storage.timings import WHEN_COLUMNS, is_set_by_hand, terms_of_row, with_when
from scheduler_service.timing import planning
from scheduler_service.timing.planning import Terms
from scheduler_service.timing.timings import TICK

SAMPLE = 2000
MOST_COMPARED = 5000
OVERDUE_AFTER = timedelta(minutes=1)
#: The origins of what Beat decides of a timing: of a schedule that is no shadow, and of one that is.
DECIDED_BY_BEAT = ("auto", SHADOW)
ACCOUNTED = timedelta(hours=24)  # retention leaves at least that
POINTERS: dict[str, Any] = {
    "crontab_id": CrontabSchedule,
    "interval_id": IntervalSchedule,
    "clocked_id": ClockedSchedule,
    "solar_id": SolarSchedule,
    "rrule_id": RruleSchedule,
    "calendar_id": Calendar,
}
_OWN = (
    "id", "name", "calendar_mode", "start_time", "expires", "anchor_at", "created_at", "date_changed", "watermark",
    "jitter_seconds", "next_occurrence_at", "next_run_at",
)  # fmt: skip
REPLAN = "Set its `next_run_at` to NULL: a Beat plans it again, from its timing."

OVERDUE = Invariant(
    "overdue",
    "See that a Beat runs, reaches the database and keeps up.",
    schedule_subject,
    lambda row: f"It was due at {at(row.next_run_at)}, and no Beat has decided it.",
)
UNPLANNED = Invariant(
    "unplanned",
    "See that a Beat runs and reaches the database: it plans new and edited schedules.",
    schedule_subject,
    lambda row: f"It was changed at {at(row.date_changed)}, and no Beat has planned its next run.",
)
QUARANTINED = Invariant(
    "quarantined",
    "Mend what its reason names; with a new timing it is planned again.",
    schedule_subject,
    lambda row: f"It is out of service. {row.quarantine_reason}",
)
POINTS_NOWHERE = Invariant(
    "timing_missing",
    "Give the schedule another timing or calendar, or delete it.",
    schedule_subject,
    lambda row: f"Its {row.pointer} names a row that is not there.",
)


def examine(session: Session, now: datetime) -> Iterator[Found]:
    """Every check of schedules."""
    yield from OVERDUE.broken_by(session, _schedules(PeriodicTask.next_run_at < now - OVERDUE_AFTER, plannable=True))
    unplanned = and_(PeriodicTask.next_run_at.is_(None), PeriodicTask.date_changed < now - OVERDUE_AFTER)
    yield from UNPLANNED.broken_by(session, _schedules(unplanned, plannable=True))
    quarantined = and_(PeriodicTask.enabled, PeriodicTask.quarantine_reason.is_not(None))
    yield from QUARANTINED.broken_by(session, _schedules(quarantined))
    yield from POINTS_NOWHERE.broken_by(session, _points_nowhere())
    yield from examine_timings(session, now)


def examine_timings(session: Session, now: datetime, *, sample: int = SAMPLE) -> Iterator[Found]:
    """What the rows say against what their timings yield, for so many schedules."""
    unreadable, disagreeing, by_hand, unaccounted = [], [], [], []
    for row in _sampled(session, now, sample):
        try:
            terms = terms_of_row(row)
        except Exception as why:  # noqa: BLE001 - foreign data may raise anything, and is what is looked for
            unreadable.append(_finding("timing_unreadable", row, f"Its timing cannot be read: {why}", "Mend it."))
            continue
        if is_set_by_hand(row, terms):
            by_hand.append(_by_hand(row))
        elif sentence := _disagreement(row, terms):
            disagreeing.append(_finding("next_run_disagrees", row, sentence, REPLAN))
        elif sentence := _lost(session, row, terms):
            unaccounted.append(_finding("unaccounted", row, sentence, "Report it; backfill what is missing."))
    yield from (found for kind in (unreadable, disagreeing, unaccounted) for found in Found.of(kind))
    yield from Found.of(by_hand, is_note=True)


def _schedules(broken: Any, *, plannable: bool = False) -> Select[Any]:
    statement: Any = select(
        PeriodicTask.id,
        PeriodicTask.name,
        PeriodicTask.next_run_at,
        PeriodicTask.date_changed,
        PeriodicTask.quarantine_reason,
    ).where(broken)
    chosen: Select[Any] = (statement.where(text(PLANNABLE)) if plannable else statement).order_by(PeriodicTask.id)
    return chosen


def _points_nowhere() -> Select[Any]:
    """Foreign keys hold this, except where another program has them off (SQLite)."""
    missing = {
        pointer: and_(column.is_not(None), ~exists().where(model.id == column))
        for pointer, model in POINTERS.items()
        for column in [getattr(PeriodicTask, pointer)]
    }
    pointer = case(*((broken, pointer) for pointer, broken in missing.items()))
    return select(PeriodicTask.id, PeriodicTask.name, pointer.label("pointer")).where(or_(*missing.values()))


def _sampled(session: Session, now: datetime, size: int) -> Sequence[Row[Any]]:
    """Planned schedules by chance, each with the sums of its runs: of one instant, since Beats work meanwhile.

    `since` is from when on its occurrences can be counted: one rule made them, and retention has left their runs.
    """
    floor = literal(now - ACCOUNTED, Instant())
    since = case((PeriodicTask.date_changed > floor, PeriodicTask.date_changed), else_=floor)
    counted = and_(
        TaskRun.periodic_task_id == PeriodicTask.id,
        TaskRun.origin.in_(DECIDED_BY_BEAT),
        TaskRun.occurrence_at > since,
        TaskRun.occurrence_at < PeriodicTask.next_occurrence_at,
    )
    oldest = select(TaskRun.coalesced).where(counted).order_by(TaskRun.occurrence_at).limit(1)
    planned = select(PeriodicTask.id).where(text(PLANNABLE), PeriodicTask.next_run_at.is_not(None))
    chosen = planned.order_by(func.random()).limit(size).subquery()
    return session.execute(
        with_when(
            select(
                *(getattr(PeriodicTask, name) for name in _OWN),
                *WHEN_COLUMNS,
                type_coerce(since, Instant()).label("since"),
                _of_runs(func.min(TaskRun.occurrence_at), counted).label("oldest_at"),
                _of_runs(func.sum(1 + TaskRun.coalesced), counted).label("accounted"),
                oldest.correlate(PeriodicTask).scalar_subquery().label("oldest_coalesced"),
            )
        ).join(chosen, chosen.c.id == PeriodicTask.id)
    ).all()


def _of_runs(sum_: Any, counted: Any) -> Any:
    return select(sum_).where(counted).correlate(PeriodicTask).scalar_subquery()


def _finding(code: str, row: Any, sentence: str, mend: str) -> Finding:
    return Finding(code, schedule_subject(row), sentence, mend)


def _by_hand(row: Any) -> Finding:
    sentence = f"Its next run was set by hand to {at(row.next_run_at)}, which is kept; its timing goes on after that."
    return _finding("next_run_by_hand", row, sentence, "Nothing, if that was meant; or set `next_run_at` to NULL.")


def _disagreement(row: Any, terms: Terms) -> str | None:
    """What is wrong with the next occurrence of a schedule that nobody set by hand: it is one of its timing's."""
    earlier = planning.first(terms, after=row.watermark)
    if earlier is not None and earlier.occurrence_at < row.next_occurrence_at:
        return f"Its next occurrence, {at(row.next_occurrence_at)}, passes over {at(earlier.occurrence_at)}."
    return None


def _lost(session: Session, row: Any, terms: Terms) -> str | None:
    """What is wrong with the number of its occurrences: each is a run's, or counted in one as folded or missed."""
    end, oldest = row.next_occurrence_at - TICK, row.oldest_at
    if oldest is None:
        expected, accounted = _count(terms, row.since, end), 0
    else:
        folded = _count(terms, row.since, oldest - TICK)  # the oldest may have folded some from before, too
        before = max(folded - row.oldest_coalesced, 0)
        expected, accounted = before + _count(terms, oldest - TICK, end), row.accounted - row.oldest_coalesced
    if expected == accounted or _has_runs_by_hand(session, row, terms):
        return None
    span = f"from {at(row.since)} to {at(row.next_occurrence_at)}"
    return f"Its timing yields {expected} occurrences {span}, and its runs account for {accounted}."


def _count(terms: Terms, after: datetime, until: datetime) -> int:
    """The occurrences in (after, until]."""
    after = after if terms.start_time is None else max(after, terms.start_time - TICK)
    until = until if terms.expires is None else min(until, terms.expires)
    return terms.rule.span(after, until).count if until > after else 0


def _has_runs_by_hand(session: Session, row: Any, terms: Terms) -> bool:
    """Whether somebody set a next run by hand meanwhile: then occurrences were passed over on purpose."""
    occurrences = session.scalars(
        select(TaskRun.occurrence_at)
        .where(TaskRun.periodic_task_id == row.id, TaskRun.origin.in_(DECIDED_BY_BEAT))
        .where(TaskRun.occurrence_at > row.since)
        .limit(MOST_COMPARED)
    )
    return any(terms.rule.next_after(occurrence - TICK) != occurrence for occurrence in occurrences)
