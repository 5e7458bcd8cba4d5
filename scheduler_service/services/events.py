"""The live stream: one reader of the database for all who listen, and none while nobody does.

A position is an instant: whoever says up to where they have read is told everything that changed since, some of it
perhaps once more, and nothing is left out. What changes several times between two looks is told once, as it is then.
"""

import json
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from typing import Any
from uuid import UUID

from scheduler_service.errors import Invalid, StoreAway, StreamsFull
from scheduler_service.storage import events as stored
from scheduler_service.storage.models import AuditEvent, TaskRun
from scheduler_service.storage.session import Database, Session

logger = logging.getLogger(__name__)

RUN, SCHEDULE = "run", "schedule"
TYPES = (RUN, SCHEDULE)
LOOK_EVERY = 0.5
LOOK_AGAIN_AFTER = 2.0  # while the database is away
MOST_AT_ONCE = 5_000
MOST_STREAMS = 100
LONGEST_WAITING = 8 * 1024 * 1024  # characters that wait for one reader
LONGEST_AT_ONCE = LONGEST_WAITING // 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Message:
    """Something to tell: an event with its data as JSON, or a comment. `position`: where to go on after it."""

    position: datetime
    event: str | None = None
    data: str | None = None
    comment: str | None = None
    schedule_id: int | None = None
    at: datetime = _EPOCH
    is_last: bool = False


@dataclass(frozen=True)
class Wanted:
    """What a reader wants to hear of."""

    types: frozenset[str] = frozenset(TYPES)
    schedule_id: int | None = None

    def includes(self, message: Message) -> bool:
        """Whether it is for them; what is no change is for everybody."""
        if message.event not in TYPES:
            return True
        return message.event in self.types and self.schedule_id in (None, message.schedule_id)


@dataclass(frozen=True)
class Shown:
    """How runs and changes of schedules look over the wire, as JSON."""

    run: Callable[[TaskRun], str]
    schedule: Callable[[AuditEvent], str]


class Reader:
    """Somebody who listens. `wake` is called, from any thread, when there is something to take."""

    def __init__(self, wanted: Wanted, wake: Callable[[], None]) -> None:
        self.wanted = wanted
        self._wake = wake
        self._lock = Lock()
        self._waiting: deque[Message] = deque()
        self._size = 0
        self._position = _EPOCH
        self._is_over = False

    def offer(self, messages: Iterable[Message], position: datetime) -> None:
        """Have them wait to be taken; after these, everything up to the position is told."""
        mine = [message for message in messages if self.wanted.includes(message)]
        with self._lock:
            if self._is_over:
                return
            self._waiting.extend(mine)
            self._size += sum(len(message.data or "") for message in mine)
            self._position = position
            if self._size > LONGEST_WAITING:
                self._give_up()
        if mine:
            self._wake()

    def take(self) -> tuple[list[Message], str]:
        """What waits, and where to go on when all of it is taken."""
        with self._lock:
            taken = list(self._waiting)
            self._waiting.clear()
            self._size = 0
            return taken, as_id(self._position)

    def _give_up(self) -> None:
        """Too slow: nothing more is kept for them, and they are told where to go on."""
        first = self._waiting[0].position
        self._waiting.clear()
        self._waiting.append(_end(first, "too slow: more was waiting than is kept; go on from here"))
        self._is_over = True


class Feed:
    """Looks for changes as long as somebody listens."""

    def __init__(self, database: Database, shown: Shown, *, look_every: float = LOOK_EVERY) -> None:
        self._database, self._shown, self._look_every = database, shown, look_every
        self._lock, self._beginning = Lock(), Lock()  # the first is never held while the database is asked
        self._readers: set[Reader] = set()
        self._known: dict[UUID | int, Any] = {}
        self._since = _EPOCH
        self._nobody = Event()
        self._nobody.set()

    def join(self, reader: Reader, *, last_id: str | None) -> None:
        """Tell the reader of every change from now on, and of all since `last_id`.

        Raises: StreamsFull; StoreAway; Invalid, for an id that is none.
        """
        since = parse_id(last_id) if last_id is not None else None
        with self._lock:
            if len(self._readers) >= MOST_STREAMS:
                raise StreamsFull(MOST_STREAMS)
            self._readers.add(reader)
        self._begin()
        messages = []
        if since is not None:
            with self._database.reading() as session:
                messages = self._look(session, since, reader.wanted).messages
        reader.offer(messages, self._since)

    def leave(self, reader: Reader) -> None:
        """Tell them no more; the last one to leave ends the looking."""
        with self._lock:
            self._readers.discard(reader)
            if not self._readers:
                self._nobody.set()

    def _begin(self) -> None:
        """Look, from now on, unless somebody's coming began it; what is there is known already."""
        with self._beginning:
            if not self._nobody.is_set():
                return
            with self._database.reading() as session:
                self._since = stored.settled(session, self._database.clock.now())
                self._known = self._look(session, self._since).known
            self._nobody = Event()
            Thread(target=self._loop, args=(self._nobody,), name="event feed", daemon=True).start()

    def _loop(self, nobody: Event) -> None:
        is_away = False
        while not nobody.wait(LOOK_AGAIN_AFTER if is_away else self._look_every):
            try:
                self._tell_news(is_back=is_away)
                is_away = False
            except StoreAway as why:
                if not is_away:
                    logger.warning("the event streams wait: %s", why)
                    self._offer([Message(self._since, comment="the database is away; this goes on when it is back")])
                is_away = True
            except Exception:
                logger.exception("the event streams end")
                self._end_all()
                return

    def _tell_news(self, *, is_back: bool) -> None:
        with self._database.reading() as session:
            settled = stored.settled(session, self._database.clock.now())
            seen = self._look(session, self._since, known=self._known)
        messages = [Message(self._since, comment="the database is back")] if is_back else []
        self._known, self._since = seen.known, max(settled, self._since)
        self._offer(messages + seen.messages)

    def _offer(self, messages: list[Message]) -> None:
        with self._lock:
            readers, position = list(self._readers), self._since
        for reader in readers:
            reader.offer(messages, position)

    def _end_all(self) -> None:
        self._offer([_end(self._since, "something went wrong; go on from here")])
        with self._lock:
            self._readers.clear()
            self._nobody.set()

    def _look(
        self, session: Session, since: datetime, wanted: Wanted = Wanted(), *, known: dict[Any, Any] | None = None
    ) -> "Seen":
        """What changed since then, but for what is known; all that was seen, for the next look."""
        runs = stored.changed_runs(session, since=since, schedule_id=wanted.schedule_id, limit=MOST_AT_ONCE)
        events = stored.schedule_events(session, since=since, schedule_id=wanted.schedule_id, limit=MOST_AT_ONCE)
        if runs is None or events is None:
            return Seen([_reset(since)], {})
        before = known or {}
        ats = {run.id: run.at for run in runs if before.get(run.id) != run.stand}
        messages = [
            Message(since, RUN, self._shown.run(run), schedule_id=run.periodic_task_id, at=ats[run.id])
            for run in stored.runs(session, ats)
        ] + [
            Message(since, SCHEDULE, self._shown.schedule(event), schedule_id=int(event.subject_id), at=event.at)
            for event in events
            if event.id not in before
        ]
        seen = {run.id: run.stand for run in runs} | {event.id: True for event in events}
        if sum(len(message.data or "") for message in messages) > LONGEST_AT_ONCE:
            return Seen([_reset(since)], seen)
        return Seen(sorted(messages, key=lambda message: message.at), seen)


@dataclass(frozen=True)
class Seen:
    """What one look found: what to tell, and how everything stood that is too young to be settled."""

    messages: list[Message]
    known: dict[Any, Any]


def as_id(position: datetime) -> str:
    """The position as an event's id."""
    return str((position - _EPOCH) // timedelta(microseconds=1))


def parse_id(text: str) -> datetime:
    """The position of an event's id. Raises: Invalid."""
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise Invalid.field(
            "last-event-id", "is not one that this stream gave", as_id(datetime(2026, 1, 1, tzinfo=UTC))
        )
    return _EPOCH + timedelta(microseconds=int(text))


def _reset(position: datetime) -> Message:
    why = "more changed than a stream carries at once: read the lists anew, then go on from here"
    return Message(position, event="reset", data=json.dumps({"reason": why}))


def _end(position: datetime, reason: str) -> Message:
    return Message(position, event="end", data=json.dumps({"reason": reason}), is_last=True)
