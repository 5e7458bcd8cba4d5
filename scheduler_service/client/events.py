"""The live stream: changes of runs and schedules as they come, resumed where it broke off."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import httpx

from scheduler_service.client.connection import Connection, Parameter, Waiting, unreachable
from scheduler_service.client.documents import AuditEvent, Run
from scheduler_service.client.errors import Unreachable

SILENCE = 45.0  # seconds; the service says every 15 that it is there
LEFT_OUT = "reset"
KINDS: dict[str, type[Run | AuditEvent]] = {"run": Run, "schedule": AuditEvent}


@dataclass(frozen=True)
class Event:
    """A change: the run as it is now, or who changed what of a schedule; None: more was changed than could be told."""

    id: str | None
    change: Run | AuditEvent | None


@dataclass(frozen=True)
class Frame:
    """What an event stream said at once: an event, or with `data` None only that it is there."""

    id: str | None = None
    event: str = "message"
    data: str | None = None


class EventStream:
    """Iterates over events for ever, and connects again when the stream ends or falls silent.

    Nothing is left out then, but some events may come again.
    Raises, while it is iterated: ApiError; Unreachable, when it could not connect again in its patience.
    """

    def __init__(
        self, connection: Connection, parameters: dict[str, Parameter], *, last_event_id: str | None, patience: float
    ) -> None:
        self._connection, self._parameters, self._patience = connection, parameters, patience
        self.last_event_id = last_event_id

    def __iter__(self) -> Iterator[Event]:
        return (event for event in self.looks() if event is not None)

    def looks(self) -> Iterator[Event | None]:
        """The events; and None whenever it has connected, or heard that there is nothing: a moment to look oneself."""
        waiting = Waiting(self._patience)
        while True:
            try:
                for frame in self._frames():
                    waiting = Waiting(self._patience)
                    yield self._event(frame)
                waiting.wait()
            except Unreachable:
                if not waiting.wait():
                    raise

    def _frames(self) -> Iterator[Frame]:
        headers = {"Accept": "text/event-stream"}
        if self.last_event_id is not None:
            headers["Last-Event-ID"] = self.last_event_id
        try:
            with self._connection.stream(
                "/events", parameters=self._parameters, headers=headers, silence=SILENCE
            ) as answer:
                yield Frame()
                yield from frames(answer.iter_lines())
        except httpx.TransportError as why:
            raise unreachable(self._connection.shown, why) from why

    def _event(self, frame: Frame) -> Event | None:
        """A kind that this client does not know is for newer ones."""
        if frame.id is not None:
            self.last_event_id = frame.id
        kind = KINDS.get(frame.event)
        if frame.event == LEFT_OUT:
            return Event(frame.id, None)
        return Event(frame.id, kind.of(json.loads(frame.data))) if kind and frame.data else None


def frames(lines: Iterable[str]) -> Iterator[Frame]:
    """What the lines of an event stream say, by the rules of the HTML standard; comments and bare ids as well."""
    said: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if name:
            said.setdefault(name, []).append(value.removeprefix(" "))
        elif line:
            said.setdefault("", [])
        elif said:
            yield _frame(said)
            said = {}


def _frame(said: dict[str, list[str]]) -> Frame:
    at, event, data = (said.get(name) for name in ("id", "event", "data"))
    return Frame(at[-1] if at else None, event[-1] if event else "message", "\n".join(data) if data else None)
