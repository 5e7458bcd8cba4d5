"""A broker that is a list: it may lose, repeat and hold up messages, be away, be wiped, or come back from a backup.

Beats look into it through the commands of Redis that `beat/repair.py` uses, so that the real code recognises a loss.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from scheduler_service.beat.publish import Sent

LATE = "sim.late"


class BeatKilled(BaseException):
    """A Beat ends here, as by SIGKILL."""


@dataclass(frozen=True)
class Envelope:
    """A message for one attempt of one run."""

    run_id: UUID
    attempt: int
    task: str
    available_at: datetime
    expires_at: datetime | None = None

    @property
    def acks_late(self) -> bool:
        return self.task == LATE


@dataclass
class SimulatedBroker:
    chance: Random
    away: bool = False
    run_id: str = "server 0"
    marker: str | None = None
    queue: list[Envelope] = field(default_factory=list)
    unacked: list[tuple[str, Envelope]] = field(default_factory=list)
    log: list[Envelope] = field(default_factory=list)

    def put(self, envelope: Envelope) -> None:
        self.queue += [envelope] * self.chance.choices([1, 2], [85, 15])[0]
        self.log.append(envelope)

    def deliver(self, owner: str, now: datetime) -> Envelope | None:
        """A message for a worker, unacknowledged until it says so."""
        if self.away:
            return None
        ready = [envelope for envelope in self.queue if envelope.available_at <= now]
        if not ready:
            return None
        envelope = ready[0] if self.chance.random() < 0.8 else self.chance.choice(ready)
        self.queue.remove(envelope)
        self.unacked.append((owner, envelope))
        return envelope

    def ack(self, owner: str, envelope: Envelope) -> None:
        if (owner, envelope) in self.unacked:
            self.unacked.remove((owner, envelope))

    def restore(self, owner: str) -> None:
        """The worker is gone: what it did not acknowledge is delivered again."""
        self.queue += [envelope for whose, envelope in self.unacked if whose == owner]
        self.unacked = [(whose, envelope) for whose, envelope in self.unacked if whose != owner]

    def wipe(self) -> None:
        self.queue, self.unacked, self.marker = [], [], None

    def restart(self) -> None:
        """As another server: with what it held, or, from an old backup, with what it held once."""
        self.run_id = f"server {self.chance.random()}"
        if self.chance.random() < 0.3 and self.log:
            self.queue = self.log[self.chance.randrange(len(self.log)) :]
            self.unacked = []

    def disturb(self) -> None:
        """Lose, repeat or hold up one message, or have one of long ago come again."""
        kind = self.chance.randrange(4)
        if kind == 0 and self.log:
            self.queue.append(self.chance.choice(self.log))
        elif self.queue:
            at = self.chance.randrange(len(self.queue))
            if kind == 1:
                del self.queue[at]
            elif kind == 2:
                self.queue.append(self.queue[at])
            else:
                self.queue.append(self.queue.pop(at))


class SimulatedPublisher:
    """What a Beat publishes with; the Beat may be killed before or after it sent."""

    broker_errors = (ConnectionError,)

    def __init__(self, broker: SimulatedBroker, terminated: list[UUID], meanwhile: Callable[[], object]) -> None:
        self._broker = broker
        self._terminated = terminated
        self._meanwhile = meanwhile
        self.kills = False

    def send(self, messages: Any, *, now: datetime) -> Any:
        kill = self._broker.chance.choice(["before", "between", "after"]) if self.kills else None
        if kill == "before":
            raise BeatKilled
        sent = Sent()
        for message in messages:
            if self._broker.away or (kill == "between" and self._broker.chance.random() < 0.5):
                break
            self._broker.put(_envelope(message, now))
            sent.ids.append(message.id)
        if self._broker.chance.random() < 0.3:
            self._meanwhile()  # a fast worker takes what is not marked as sent yet
        if kill is not None:
            raise BeatKilled
        if len(sent.ids) < len(messages):
            sent.broker_away = "it is away"
        return sent

    def terminate(self, ids: list[UUID]) -> None:
        if self._broker.away:
            raise ConnectionError("away")
        self._terminated += ids


def _envelope(message: Any, now: datetime) -> Envelope:
    seconds = message.options.get("expire_seconds")
    expires_at = None if seconds is None else now + timedelta(seconds=seconds)
    return Envelope(message.id, message.attempt, message.task, now, expires_at)


class RedisFace:
    """The Celery app and the Redis client that `BrokerWatch` asks."""

    def __init__(self, broker: SimulatedBroker) -> None:
        self._broker = broker
        self.pool = self
        self.amqp = SimpleNamespace(queues={"sim": None})
        self.transport = SimpleNamespace(driver_type="redis")
        self.client = self
        self.default_channel = self
        self.priority_steps = (0,)

    @contextmanager
    def acquire(self, **_: Any) -> Iterator["RedisFace"]:
        if self._broker.away:
            raise ConnectionError("away")
        yield self

    def _q_for_pri(self, name: str, _priority: int) -> str:
        return name

    def info(self, _section: str) -> dict[str, str]:
        return {"run_id": self._broker.run_id}

    def get(self, _key: str) -> bytes | None:
        return None if self._broker.marker is None else self._broker.marker.encode()

    def set(self, _key: str, value: str) -> None:
        self._broker.marker = value

    def hlen(self, _key: str) -> int:
        return len(self._broker.unacked)

    def llen(self, _key: str) -> int:
        return len(self._broker.queue)

    def hvals(self, _key: str) -> list[bytes]:
        return [_entry(envelope) for _, envelope in self._broker.unacked]

    def lrange(self, _key: str, start: int, stop: int) -> list[bytes]:
        return [_entry(envelope) for envelope in self._broker.queue[start : stop + 1]]


def _entry(envelope: Envelope) -> bytes:
    return f'{{"properties": {{"correlation_id": "{envelope.run_id}"}}}}'.encode()


def for_next_attempt(envelope: Envelope, available_at: datetime) -> Envelope:
    """The message that a task's own retry sends."""
    return replace(envelope, attempt=envelope.attempt + 1, available_at=available_at, expires_at=None)
