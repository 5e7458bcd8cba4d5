"""People and programs who edit schedules at the very instant of firing, and see to it that what was answered holds."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from typing import Any

from sqlalchemy import text

from scheduler_service.errors import RevisionMismatch, ScheduleNotFound
from scheduler_service.services import manual_runs, schedules
from scheduler_service.storage.session import Database, Session
from tests.support.rows import given_schedule

NEXT = """SELECT id, next_run_at FROM periodic_task
 WHERE id = ANY(:own) AND next_run_at > clock_timestamp() ORDER BY next_run_at LIMIT 1"""
DECIDED = "SELECT count(*) FROM task_run WHERE periodic_task_id = :id AND origin = 'auto'"
BESIDE_THE_INSTANT = 0.004  # seconds, before or after
EVERY = 2


@dataclass
class Editor:
    """One of several at once. Only its owner pauses, resumes and deletes a schedule; everybody describes all."""

    database: Database
    own: list[int]
    everybodys: list[int]
    dice: random.Random
    described: Counter[int] = field(default_factory=Counter)  # how many letters it added to each description
    quiet: dict[int, int] = field(default_factory=dict)  # paused or deleted: how many runs had been decided
    deleted: set[int] = field(default_factory=set)
    troubles: list[str] = field(default_factory=list)

    def edit(self, times: int) -> None:
        """Do one thing after another, each as some schedule comes due."""
        deeds: tuple[Callable[[int], None], ...] = (
            self.pause_by_sql, self.pause_by_service, self.describe_by_sql, self.describe_by_service, self.fire_now,
            self.trigger, self.delete,
        )  # fmt: skip
        weights = (6, 6, 5, 5, 2, 2, 1)
        for _ in range(times):
            key, (deed,) = self.await_an_instant(), self.dice.choices(deeds, weights)
            try:
                deed(key)
                if self.dice.random() < 0.5:
                    self.resume()
            except (RevisionMismatch, ScheduleNotFound):
                pass  # somebody was faster, and that was told
            except Exception as why:  # noqa: BLE001 - whatever a client is told is trouble
                self.troubles.append(f"{deed.__name__} {key}: {why!r}")

    def await_an_instant(self) -> int:
        with self.database.reading() as session:
            row = session.execute(text(NEXT), {"own": self.own}).one_or_none()
        if row is None:
            return self.dice.choice(self.own)
        left = (row.next_run_at - self.database.clock.now()).total_seconds()
        Event().wait(max(0.0, left + self.dice.uniform(-BESIDE_THE_INSTANT, BESIDE_THE_INSTANT)))
        key: int = row.id
        return key

    def pause_by_sql(self, key: int) -> None:
        with self.database.transaction() as session:
            self._execute(session, "UPDATE periodic_task SET enabled = false WHERE id = :id", id=key)
            self._hush(session, key)

    def pause_by_service(self, key: int) -> None:
        with self.database.transaction() as session:
            schedules.pause(session, key, reason="for the test", actor="editor")
            self._hush(session, key)

    def resume(self) -> None:
        """Some schedule that was paused a while ago, if nothing was decided and the pause still holds."""
        paused = [key for key in self.quiet if key in self.own]
        if not paused:
            return
        key = self.dice.choice(paused)
        with self.database.transaction() as session:
            row: Any = self._execute(session, "SELECT enabled FROM periodic_task WHERE id = :id FOR UPDATE", id=key)
            if row.scalar_one():
                self.troubles.append(f"the pause of schedule {key} was lost")
            self._require_quiet(session, key)
            schedules.resume(session, key, actor="editor")
        del self.quiet[key]

    def describe_by_sql(self, _: int) -> None:
        key = self.dice.choice(self.everybodys)
        statement = "UPDATE periodic_task SET description = description || 'x' WHERE id = :id"
        with self.database.transaction() as session:
            written = self._execute(session, statement, id=key).rowcount
        self.described[key] += written

    def describe_by_service(self, _: int) -> None:
        """Read, then write what was read and one letter more: refused when somebody else wrote meanwhile."""
        key, now = self.dice.choice(self.everybodys), self.database.clock.now()
        with self.database.reading() as session:
            statement = "SELECT description, revision FROM periodic_task WHERE id = :id"
            row = self._execute(session, statement, id=key).one_or_none()
        if row is None:
            return
        wanted = {"description": f"{row.description}y"}
        with self.database.transaction() as session:
            schedules.patch(session, key, wanted, expected=[row.revision], actor="editor", now=now)
        self.described[key] += 1

    def fire_now(self, key: int) -> None:
        statement = "UPDATE periodic_task SET next_run_at = clock_timestamp() WHERE id = :id AND enabled"
        with self.database.transaction() as session:
            self._execute(session, statement, id=key)

    def trigger(self, key: int) -> None:
        with self.database.transaction() as session:
            manual_runs.trigger(session, key, actor="editor", now=self.database.clock.now())

    def delete(self, key: int) -> None:
        """And make another in its place, which others do not describe."""
        with self.database.transaction() as session:
            schedules.delete(session, key, expected=None, actor="editor")
            self._hush(session, key)
        self.deleted.add(key)
        self.own.remove(key)
        self.own.append(given_restless(self.database, f"instead of {key}"))

    def require_quiet(self) -> None:
        """At the end: what is paused or deleted has been quiet since."""
        with self.database.transaction() as session:
            for key in self.quiet:
                self._require_quiet(session, key)

    def _hush(self, session: Session, key: int) -> None:
        """Called with the row locked: what is decided after this is decided after the answer."""
        self.quiet.setdefault(key, self._execute(session, DECIDED, id=key).scalar_one())

    def _require_quiet(self, session: Session, key: int) -> None:
        decided = self._execute(session, DECIDED, id=key).scalar_one() - self.quiet[key]
        if decided:
            self.troubles.append(f"{decided} runs of schedule {key} were decided after its end or pause was answered")

    @staticmethod
    def _execute(session: Session, statement: str, **parameters: Any) -> Any:
        return session.execute(text(statement), parameters)


def given_restless(database: Database, name: str, *, before: float = 0) -> int:
    """A schedule of every two seconds, made so many seconds ago."""
    made_at = database.clock.now() - timedelta(seconds=before)
    return given_schedule(database, name=name, every=EVERY, created_at=made_at, overlap_policy="allow_all")
