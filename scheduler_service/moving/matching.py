"""Which job of a source a message on its broker is of, and at which of its instants it was to be sent.

A Beat sends a message at an instant, or soon after it. So a message belongs to the latest instant before it, if that is
near. What belongs to none was sent by hand, or by another program.
"""

from ast import literal_eval
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from celery.utils.saferepr import saferepr

from scheduler_service.timing.interval import Interval
from scheduler_service.timing.timings import Timing

WITHIN = timedelta(minutes=1)  # a Beat that has much to send is late
EARLY = timedelta(milliseconds=500)  # as far as the clock of its host may be behind
REMEMBERED = 10_000  # messages of which the end may be told yet
BEGUN = ("task-sent", "task-received")
ENDED = {"task-succeeded": "executed", "task-failed": "error"}
_LONGEST = 1024  # of Celery's text of all arguments, and how deep it goes
_DEEPEST = 3

_Key = tuple[str, str, str]


@dataclass(frozen=True)
class Sent:
    """A job as its messages look. Without a timing no message of it can be told to be Beat's own."""

    id: str
    name: str
    task: str
    args: list[Any]
    kwargs: dict[str, Any]
    timing: Timing | None

    @property
    def key(self) -> _Key:
        """What its messages have in common."""
        return self.task, _text(self.args), _text(self.kwargs)

    def instant_of(self, at: datetime) -> datetime | None:
        """The instant that a message of then belongs to."""
        if self.timing is None:
            return None
        # Where an interval is counted from the run before, no instant of it is more right than another.
        within = self.timing.step if isinstance(self.timing, Interval) else WITHIN
        found, following = self.timing.span(at - within, at).last, self.timing.next_after(at)
        if following is not None and following - at <= (min(EARLY, (following - found) / 4) if found else EARLY):
            return following
        return found


class Jobs:
    """The jobs of a source by their messages. `alike` are those that share theirs, by name; `blind` all not seen."""

    def __init__(self, jobs: Iterable[Sent], unreadable: Iterable[str] = ()) -> None:
        self.all = tuple(jobs)
        keyed = [(job.key, job) for job in self.all]
        counts = Counter(key for key, _ in keyed)
        self._by_key = {key: job for key, job in keyed if counts[key] == 1 and job.timing is not None}
        self._keys = counts.keys()
        self.alike = tuple(sorted(job.name for key, job in keyed if counts[key] > 1))
        placed = {job.id for job in self._by_key.values()}
        self.blind = frozenset({*unreadable, *(job.id for job in self.all)} - placed)

    @property
    def seen(self) -> list[Sent]:
        """Those whose runs are seen."""
        return list(self._by_key.values())

    def of(self, key: _Key) -> Sent | None:
        """The one job that sends such messages, if it is seen."""
        return self._by_key.get(key)

    def know(self, key: _Key) -> bool:
        """Whether any job sends such messages."""
        return key in self._keys


class Hearing:
    """Takes events in, and gives out rows of what ran: what is not known yet is told by the first event of a message.

    `others` counts messages of no job, `strays` those of a job that came at none of its instants.
    """

    def __init__(self) -> None:
        self.jobs = Jobs(())
        self.first_at: datetime | None = None  # when the first event of any task was sent, since it was last forgotten
        self.placed = self.strays = self.others = 0
        self._of_message: OrderedDict[str, tuple[str, datetime]] = OrderedDict()
        self._latest: dict[str, datetime] = {}
        self._rows: list[dict[str, Any]] = []

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take an event in, of whatever kind."""
        kind, message, at = event.get("type"), event.get("uuid"), _instant(event.get("timestamp"))
        if not isinstance(kind, str) or not isinstance(message, str) or at is None:
            return
        self.first_at = self.first_at or at
        known = self._of_message.get(message)
        if kind in ENDED and known is not None:
            self._tell(*known, at, ENDED[kind])
        elif kind in BEGUN and known is None:
            self._place(message, event, at)

    def take(self) -> list[dict[str, Any]]:
        """What is new since the last time."""
        rows, self._rows = self._rows, []
        return rows

    def put_back(self, rows: list[dict[str, Any]]) -> None:
        """What could not be kept yet; of too much the oldest go."""
        self._rows = [*rows, *self._rows][-REMEMBERED:]

    def _place(self, message: str, event: Mapping[str, Any], at: datetime) -> None:
        key = (str(event.get("name")), _spelled(event.get("args")), _spelled(event.get("kwargs")))
        job = self.jobs.of(key)
        if job is None:
            self.others += not self.jobs.know(key)
            return
        # A task that another task sends has a parent; of two at one instant, the second is not Beat's.
        instant = None if event.get("parent_id") else job.instant_of(at)
        if instant is None or instant == self._latest.get(job.id):
            self.strays += 1
            return
        self.placed += 1
        self._latest[job.id] = instant
        self._of_message[message] = (job.id, instant)
        while len(self._of_message) > REMEMBERED:
            self._of_message.popitem(last=False)
        self._tell(job.id, instant, at, "submitted")

    def _tell(self, job_id: str, instant: datetime, at: datetime, outcome: str) -> None:
        self._rows.append({"source_id": job_id, "scheduled_at": instant, "ran_at": at, "outcome": outcome})


def _instant(told: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(told, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _text(arguments: list[Any] | dict[str, Any]) -> str:
    """As Celery puts them into an event."""
    return _spelled(saferepr(arguments, maxlen=_LONGEST, maxlevels=_DEEPEST))


def _spelled(told: Any) -> str:
    """One spelling of what every version of Celery tells: a list or a tuple, in whatever order of names."""
    text = str(told or "")[: 2 * _LONGEST]
    try:
        held = literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # cut short, or with a quote in it
        return text.replace("(", "[").replace(",)", "]").replace(")", "]")
    return repr(dict(sorted(held.items()))) if isinstance(held, dict) and _are_names(held) else repr(_as_list(held))


def _as_list(held: Any) -> Any:
    return list(held) if isinstance(held, tuple) else held


def _are_names(held: dict[Any, Any]) -> bool:
    return all(isinstance(name, str) for name in held)
