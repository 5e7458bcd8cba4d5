"""Random schedules, and random edits of them by plain SQL: each is told to the ledger."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from scheduler_service.beat.overlap import CANCEL_MODES
from scheduler_service.services import manual_runs
from scheduler_service.storage import timings
from scheduler_service.storage.models import MISFIRE_POLICIES, OVERLAP_POLICIES, PeriodicTask
from scheduler_service.timing.planning import Terms
from tests.simulation.ledger import Life
from tests.simulation.simulated_broker import LATE
from tests.simulation.simulated_workers import EARLY
from tests.simulation.world import World
from tests.support.rows import given_calendar, given_schedule

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Asia/Tehran")
CRONTABS = (
    "30 2 * * *", "0 3 * * *", "*/45 * * * *", "0 */2 * * *", "15 1-4 * * *", "0 9 * * mon-fri", "30 1 * * sun",
    "59 23 L * *", "0 12 1,15 * *", "5 0 * * 1#2",
)  # fmt: skip
RULES = (
    "DTSTART;TZID=Europe/Berlin:20260101T023000\nRRULE:FREQ=DAILY;INTERVAL=2",
    "DTSTART:20260101T000000Z\nRRULE:FREQ=WEEKLY;BYDAY=TU,TH;BYHOUR=3,15",
)
STEP = timedelta(milliseconds=1)


class Editor:
    """Somebody with a SQL prompt."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.chance
        self._names = 0
        self._calendar: int | None = None

    def create(self) -> None:
        """A schedule of any kind."""
        world = self._world
        self._names += 1
        fields = self._policies() | self._timing() | self._limits() | {"shadow": self._chance.random() < 0.2}
        key = given_schedule(world.database, name=f"schedule {self._names}", **fields)
        life = world.ledger.lives.setdefault(key, Life())
        life.one_at_a_time = fields["overlap_policy"] != "allow_all"
        life.max_runs = fields.get("max_runs")
        self._opens(key)

    def edit(self) -> None:
        """One edit of any kind."""
        edits: Sequence[tuple[Any, int]] = (
            (self.create, 4), (self._pause, 4), (self._resume, 5), (self._retime, 4), (self._edit_shared_row, 2),
            (self._jitter, 2), (self._describe, 3), (self._change_policies, 3), (self._by_hand, 3), (self._trigger, 3),
            (self._delete, 1), (self._rewind, 6), (self._change_sides, 4),
        )  # fmt: skip
        self._chance.choices([edit for edit, _ in edits], [weight for _, weight in edits])[0]()

    def pause_all(self) -> None:
        for key in self._active():
            self._pause(key)

    def _policies(self) -> dict[str, Any]:
        chance = self._chance
        return {
            "task": chance.choice([EARLY, LATE]),
            "misfire_policy": chance.choice(MISFIRE_POLICIES),
            "misfire_grace_seconds": chance.choice([0, 60, 60, 3600]),
            "catchup_window_seconds": chance.choice([None, 1800, 86_400]),
            "catchup_limit": chance.choice([1, 7, 1000]),
            "overlap_policy": chance.choice(OVERLAP_POLICIES),
            "buffer_limit": chance.choice([2, 5]),
            "pause_after_failures": chance.choice([None, None, None, 2]),
            "retry_max": chance.choice([0, 0, 2]),
            "expire_seconds": chance.choice([None, None, None, 600]),
        }

    def _timing(self) -> dict[str, Any]:
        chance = self._chance
        kind = chance.randrange(10)
        if kind < 4:
            return {"every": chance.choice([45, 90, 360, 1440, 4000]), "period": "minutes"}
        if kind < 8:
            return {"cron": chance.choice(CRONTABS), "timezone": chance.choice(ZONES)}
        if kind == 8:
            return {"rrule": chance.choice(RULES)}
        return {"clocked_id": self._clocked()}

    def _limits(self) -> dict[str, Any]:
        chance, now = self._chance, self._world.clock.now()
        limits: dict[str, Any] = {"jitter_seconds": chance.choice([0, 0, 0, 20, 1800])}
        kind = chance.randrange(12)
        if kind == 0:
            limits["one_off"] = True
        elif kind == 1:
            limits["max_runs"] = chance.randrange(1, 6)
        elif kind == 2:
            limits["start_time"] = now + self._some(days=10)
        elif kind == 3:
            limits["expires"] = now + self._some(days=40)
        elif kind == 4:
            limits["calendar_id"] = self._weekends()
        return limits

    def _weekends(self) -> int:
        if self._calendar is None:
            self._calendar = given_calendar(self._world.database, name="weekends", weekly=["sat", "sun"])
        return self._calendar

    def _pause(self, key: int | None = None) -> None:
        if (key := key or self._one_of(self._active())) is not None:
            self._sql("UPDATE periodic_task SET enabled = false WHERE id = :key", key=key)
            self._world.ledger.closes(key, self._world.clock.now())

    def _resume(self) -> None:
        if (key := self._one_of(self._paused())) is not None:
            self._sql("UPDATE periodic_task SET enabled = true WHERE id = :key", key=key)
            self._opens(key)

    def _retime(self) -> None:
        if (key := self._one_of(self._active())) is not None:
            every = self._chance.randrange(1800, 90_000)
            self._sql("INSERT INTO interval_schedule (every, period) VALUES (:every, 'seconds') ON CONFLICT DO NOTHING",
                      every=every)  # fmt: skip
            self._sql(
                "UPDATE periodic_task SET crontab_id = NULL, clocked_id = NULL, rrule_id = NULL, interval_id ="
                " (SELECT id FROM interval_schedule WHERE every = :every AND period = 'seconds') WHERE id = :key",
                every=every, key=key,
            )  # fmt: skip
            self._opens(key)

    def _edit_shared_row(self) -> None:
        """Every schedule that uses it gets another timing at once."""
        keys = [key for key in self._active() if self._task(key).interval_id is not None]
        if (key := self._one_of(keys)) is None:
            return
        row = self._task(key).interval_id
        sharing = [other for other in keys if self._task(other).interval_id == row]
        every = self._chance.randrange(30, 2000)
        try:
            self._sql("UPDATE interval_schedule SET every = :every, period = 'minutes' WHERE id = :row",
                      every=every, row=row)  # fmt: skip
        except IntegrityError:
            return
        for other in sharing:
            self._opens(other)

    def _change_sides(self) -> None:
        """A live one becomes a shadow from now on; a shadow goes live from a boundary on that is a while ago."""
        if (key := self._one_of(self._active())) is None:
            return
        boundary = self._boundary(key) if self._task(key).shadow else self._world.clock.now()
        self._sql("UPDATE periodic_task SET shadow = NOT shadow, watermark = :at WHERE id = :key",
                  at=boundary.strftime("%Y-%m-%d %H:%M:%S.%f"), key=key)  # fmt: skip
        self._opens(key, since=boundary)

    def _boundary(self, key: int) -> datetime:
        """What its other scheduler ran last is before it; a shadow that has nothing left is over."""
        now, era = self._world.clock.now(), self._world.ledger.lives[key].current
        earliest = max(era.begins_late, now - timedelta(hours=3)) if era is not None else now
        if earliest >= now or self._task(key).completed_reason is not None:
            return now
        return earliest + self._chance.randrange((now - earliest) // STEP + 1) * STEP

    def _jitter(self) -> None:
        if (key := self._one_of(self._active())) is not None:
            seconds = self._task(key).jitter_seconds + self._chance.randrange(1, 900)
            self._sql("UPDATE periodic_task SET jitter_seconds = :seconds WHERE id = :key", seconds=seconds, key=key)
            self._opens(key)

    def _describe(self) -> None:
        if (key := self._one_of(self._active())) is not None:
            said = f"said {self._chance.random()}"
            self._sql("UPDATE periodic_task SET description = :said WHERE id = :key", said=said, key=key)

    def _change_policies(self) -> None:
        if (key := self._one_of(self._active())) is not None:
            policies = self._policies()
            names = ("misfire_policy", "misfire_grace_seconds", "catchup_window_seconds", "overlap_policy")
            changed = {name: policies[name] for name in names}
            life = self._world.ledger.lives[key]
            life.one_at_a_time = life.one_at_a_time and changed["overlap_policy"] != "allow_all"
            sets = ", ".join(f"{name} = :{name}" for name in changed)
            self._sql(f"UPDATE periodic_task SET {sets} WHERE id = :key", key=key, **changed)

    def _by_hand(self) -> None:
        """A next run at an instant that no timing yields, soon or a while ago."""
        if (key := self._one_of(self._active())) is None or self._task(key).completed_reason is not None:
            return
        now = self._world.clock.now()
        at = now + self._some(hours=3) if self._chance.random() < 0.7 else now - self._some(hours=3)
        at = at.replace(microsecond=7000)
        stored = at.strftime("%Y-%m-%d %H:%M:%S.%f")
        self._sql("UPDATE periodic_task SET next_run_at = :at WHERE id = :key", at=stored, key=key)
        self._opens(key, after=at)

    def _rewind(self) -> None:
        """Back to an occurrence that has its run already, as from a restored backup: it gets no second."""
        for key in self._active():
            task, era = self._task(key), self._world.ledger.lives[key].current
            if era is None or era.limited or task.jitter_seconds or task.next_run_at is None:
                continue
            if task.overlap_policy not in CANCEL_MODES and (at := self._last_run_of(key, task)) is not None:
                self._sql("UPDATE periodic_task SET next_occurrence_at = :at, next_run_at = :at WHERE id = :key",
                          at=at, key=key)  # fmt: skip
                self._world.tick(0)
                return

    def _last_run_of(self, key: int, task: PeriodicTask) -> str | None:
        """The newest occurrence of a schedule, if it is so new that only its run would be decided again."""
        recent = self._world.clock.now() - timedelta(seconds=task.misfire_grace_seconds)
        with self._world.database.reading() as session:
            statement = (
                "SELECT occurrence_at FROM task_run WHERE periodic_task_id = :key AND origin IN ('auto', 'shadow')"
                " AND occurrence_at > :recent AND occurrence_at = fire_at AND state <> 'missed'"
                " ORDER BY occurrence_at DESC LIMIT 1"
            )
            given = {"key": key, "recent": recent.strftime("%Y-%m-%d %H:%M:%S.%f")}
            at: str | None = session.execute(text(statement), given).scalar()
        by_hand = {one.strftime("%Y-%m-%d %H:%M:%S.%f") for one in self._world.ledger.lives[key].by_hand}
        return at if at not in by_hand and self._is_of_this_era(key, at) else None

    def _is_of_this_era(self, key: int, at: str | None) -> bool:
        era = self._world.ledger.lives[key].current
        occurrence = None if at is None else datetime.fromisoformat(f"{at}+00:00")
        return era is not None and occurrence is not None and era.has(occurrence, self._world.clock.now()) is not None

    def _trigger(self) -> None:
        if (key := self._one_of([key for key in self._active() if not self._task(key).shadow])) is not None:
            with self._world.database.transaction() as session:
                manual_runs.trigger(session, key, actor="somebody", now=self._world.clock.now())

    def _delete(self) -> None:
        if (key := self._one_of(self._active())) is not None:
            self._sql("DELETE FROM periodic_task WHERE id = :key", key=key)
            self._world.ledger.closes(key, self._world.clock.now())

    def _opens(self, key: int, *, after: datetime | None = None, since: datetime | None = None) -> None:
        task = self._task(key)
        limited = task.one_off or task.max_runs is not None
        what = {"limited": limited, "shadow": task.shadow}
        self._world.ledger.opens(key, self._terms(key), self._world.clock.now(), **what, after=after, since=since)

    def _terms(self, key: int) -> Terms:
        with self._world.database.reading() as session:
            task = session.get(PeriodicTask, key)
            assert task is not None
            return timings.terms_of(task)

    def _task(self, key: int) -> PeriodicTask:
        with self._world.database.reading() as session:
            task = session.get(PeriodicTask, key)
            assert task is not None
            return task

    def _clocked(self) -> int:
        at = self._world.clock.now() + self._some(days=20)
        with self._world.database.transaction() as session:
            stored = at.strftime("%Y-%m-%d %H:%M:%S.%f")
            statement = "INSERT INTO clocked_schedule (clocked_time) VALUES (:at) RETURNING id"
            row: int = session.execute(text(statement), {"at": stored}).scalar_one()
            return row

    def _active(self) -> list[int]:
        return [key for key, life in self._world.ledger.lives.items() if life.current is not None]

    def _paused(self) -> list[int]:
        with self._world.database.reading() as session:
            return list(session.execute(text("SELECT id FROM periodic_task WHERE NOT enabled ORDER BY id")).scalars())

    def _one_of(self, keys: list[int]) -> int | None:
        return self._chance.choice(keys) if keys else None

    def _some(self, **most: float) -> timedelta:
        return self._chance.randrange(1, timedelta(**most) // STEP) * STEP

    def _sql(self, statement: str, **parameters: Any) -> None:
        with self._world.database.transaction() as session:
            session.execute(text(statement), parameters)
