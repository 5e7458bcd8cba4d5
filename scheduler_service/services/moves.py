"""Jobs on their way here from another scheduler: where each stands, and how its shadow compares."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from scheduler_service.services import paging
from scheduler_service.services.comparisons import Comparison, compare, heard_of
from scheduler_service.services.paging import Page
from scheduler_service.storage import moves as stored
from scheduler_service.storage.models import MOVE_STATES, Move
from scheduler_service.storage.moves import MoveFilter
from scheduler_service.storage.observed_runs import Watched
from scheduler_service.storage.session import Session

#: Of each side of a job, about so many of its latest instants are compared in a list; `migrate compare` looks at all.
LATEST = 100


@dataclass(frozen=True)
class Compared:
    """A move, and how its shadow compares with what its source ran."""

    move: Move
    comparison: Comparison


@dataclass(frozen=True)
class Summary:
    """How many moves are in each state, and the share of each in percent."""

    total: int
    states: dict[str, int]
    percent: dict[str, float]


def search(session: Session, wanted: MoveFilter, *, limit: int, cursor: str | None, now: datetime) -> Page[Compared]:
    """A page of moves with the comparisons of their latest instants. Raises: Invalid, for a cursor of another list."""
    after = paging.decode("moves", cursor, (int,))[0] if cursor is not None else None
    rows = stored.search(session, wanted, limit=limit + 1, after=after)
    page = paging.page_of(rows, limit=limit, listing="moves", place=lambda move: (move.id,))
    heard = heard_of(session, page.items)
    items = [_compared(session, move, heard[move.source], now=now) for move in page.items]
    return Page(items, page.next_cursor, page.total)


def summary(session: Session, source: str | None = None) -> Summary:
    """Where they all stand."""
    return _summed(stored.counts(session, source))


def summaries(session: Session) -> dict[str, Summary]:
    """The same of each source, by its name."""
    return {source: _summed(counts) for source, counts in stored.counts_by_source(session).items()}


def together(summaries: Iterable[Summary]) -> Summary:
    """Those of some sources in one."""
    counts: Counter[str] = Counter()
    for summary in summaries:
        counts.update(summary.states)
    return _summed(counts)


def _compared(session: Session, move: Move, heard: Watched | None, *, now: datetime) -> Compared:
    if heard is None:
        return Compared(move, Comparison(move.source_id, move.name, None, None))
    since = stored.since_latest(session, move, count=LATEST)
    return Compared(move, compare(session, move, now=now, since=since, heard=heard))


def _summed(counts: dict[str, int]) -> Summary:
    total = sum(counts.values())
    states = {state: counts.get(state, 0) for state in MOVE_STATES}
    return Summary(total, states, {name: round(100 * n / total, 1) if total else 0.0 for name, n in states.items()})
