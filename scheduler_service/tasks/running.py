"""What a task of ours knows of the run that it executes: when it is for, whether it shall end, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

from scheduler_service.errors import StoreAway
from scheduler_service.storage import cancelling, progressing
from scheduler_service.storage.session import Database

LOOK_EVERY = 1.0  # seconds
SAY_EVERY = 1.0


@dataclass
class Running:
    """One attempt of a run. Without a row (somebody sent the task by hand) nobody asks it to end, and none is told."""

    database: Database
    run_id: str
    attempt: int
    occurrence_at: datetime
    schedule_id: int | None = None
    _next_look: float = field(default_factory=lambda: monotonic() + LOOK_EVERY)
    _next_say: float = 0.0
    _unsaid: dict[str, Any] | None = None

    @classmethod
    def of(cls, request: Any, database: Database) -> "Running":
        """From Celery's `task.request`, whose headers the scheduler sets."""
        headers: Mapping[str, Any] = request.headers or {}
        told = headers.get("occurrence_at")
        return cls(
            database,
            run_id=request.id,
            attempt=int(headers.get("attempt", 1)) + request.retries,
            occurrence_at=datetime.fromisoformat(told) if told else database.clock.now(),
            schedule_id=headers.get("schedule_id"),
        )

    def asked_to_end(self) -> bool:
        """Whether somebody asked the run to end. Ask often, from any thread; it looks once a second.

        What was told too soon after something else is written now, if it is time.
        """
        self._say()
        key = self._key()
        if key is None or monotonic() < self._next_look:
            return False
        self._next_look = monotonic() + LOOK_EVERY
        try:
            with self.database.reading() as session:
                return cancelling.is_requested(session, key)
        except StoreAway:  # then nobody can ask either
            return False

    def tell(self, *, step: int | None = None, of: int | None = None, rows: int | None = None, text: str = "") -> None:
        """How far it is, for people who watch: step k of n, rows so far. Tell often; it is written once a second."""
        told = {"step": step, "of": of, "rows": rows, "text": text or None}
        self._unsaid = {name: value for name, value in told.items() if value is not None}
        self._say()

    def _say(self) -> None:
        key, told = self._key(), self._unsaid
        if key is None or told is None or monotonic() < self._next_say:
            return
        self._next_say, self._unsaid = monotonic() + SAY_EVERY, None
        try:
            with self.database.transaction() as session:
                progressing.tell(session, key, told)
        except StoreAway:  # a run that goes well must not fail for that
            return

    def _key(self) -> UUID | None:
        """None for an id that somebody else made up: then it is no run of ours."""
        try:
            return UUID(self.run_id)
        except ValueError:
            return None
