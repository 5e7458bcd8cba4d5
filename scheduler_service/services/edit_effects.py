"""What an edit of a schedule's timing would do, told before it is saved: what comes, what moves, what is left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from scheduler_service.errors import InvalidTiming
from scheduler_service.services import previews, validity
from scheduler_service.services.languages import Language
from scheduler_service.services.previews import Preview, PreviewDocument
from scheduler_service.storage import schedule_history, schedules
from scheduler_service.storage.session import Session
from scheduler_service.storage.timings import terms_of
from scheduler_service.timing import planning
from scheduler_service.timing.clock_changes import ClockChange, clock_changes
from scheduler_service.timing.planning import Terms
from scheduler_service.timing.timings import TICK

COMPARED = timedelta(days=30)
LOOKED_AHEAD = timedelta(days=366)
MOST_LEFT_OUT = 3
MOST_WALKED = 200


@dataclass(frozen=True)
class Saved:
    """How the schedule is as it is saved: when it comes next, and how often within COMPARED."""

    next_at: datetime | None
    runs: int


@dataclass(frozen=True)
class Effect:
    """What would come of a timing. `left_out`: the first that the calendar takes, of those before the last item."""

    preview: Preview
    runs: int
    saved: Saved | None
    left_out: Sequence[datetime]
    clock_changes: Sequence[ClockChange]
    followers: Sequence[tuple[int, str]]

    @property
    def next_at(self) -> datetime | None:
        """When it would come next."""
        return self.preview.items[0].fire_at if self.preview.items else None


def of_edit(
    session: Session, document: PreviewDocument, *, allow_past: bool, now: datetime, language: Language
) -> Effect:
    """What would come of it; nothing is written. Raises: Invalid, for what would never come; ScheduleNotFound."""
    terms = previews.terms_to_be(session, document, now=now)
    preview = previews.of_timing(session, document, now=now, language=language)
    if not preview.items and not allow_past and (problem := validity.problem_of(terms, now=now)):
        raise InvalidTiming([problem])
    schedule_id = document.schedule_id
    return Effect(
        preview=preview,
        runs=_count(terms, now),
        saved=_saved(session, schedule_id, now=now, language=language) if schedule_id is not None else None,
        left_out=_left_out(terms, preview, now),
        clock_changes=clock_changes(terms.timing, after=now, until=now + LOOKED_AHEAD),
        followers=schedule_history.followers(session, schedule_id) if schedule_id is not None else (),
    )


def _saved(session: Session, schedule_id: int, *, now: datetime, language: Language) -> Saved | None:
    """None where it has no timing, or one that is not understood: then there is nothing to compare with."""
    task = schedules.get(session, schedule_id)
    if task.upstreams:
        return None
    try:
        found = previews.upcoming(session, schedule_id, after=None, now=now, count=1, language=language)
        return Saved(found.items[0].fire_at if found.items else None, _count(terms_of(task), now))
    except InvalidTiming:
        return None


def _count(terms: Terms, now: datetime) -> int:
    """How many occurrences there are within COMPARED."""
    since = now if terms.start_time is None else max(now, terms.start_time - TICK)
    until = now + COMPARED if terms.expires is None else min(now + COMPARED, terms.expires)
    return terms.rule.span(since, until).count if until > since else 0


def _left_out(terms: Terms, preview: Preview, now: datetime) -> list[datetime]:
    if terms.days is None or not preview.items:
        return []
    last = preview.items[-1].occurrence_at
    kept = {item.occurrence_at for item in preview.items}
    every = planning.upcoming(replace(terms, days=None, jitter=timedelta(0)), after=now, count=MOST_WALKED)
    out = (item.occurrence_at for item in every if item.occurrence_at < last and item.occurrence_at not in kept)
    return list(islice(out, MOST_LEFT_OUT))
