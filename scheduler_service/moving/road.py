"""Taking jobs over from their source, and back: step by step, so that what is cut short can be told and mended.

A move first says what it is about to do (`intention`, with the boundary), and then does it: so whoever comes after a
kill finds how far it was. Up to the boundary the one side runs the job, after it the other; no occurrence is near it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Literal

from scheduler_service.errors import ServiceError
from scheduler_service.moving import gaps
from scheduler_service.moving.found import NoInstants, Source
from scheduler_service.moving.gaps import Standing
from scheduler_service.services.comparisons import would_be_told
from scheduler_service.storage import audit, moves, observed_runs, schedules
from scheduler_service.storage.models import Move, PeriodicTask
from scheduler_service.storage.session import Database, Session

ACTOR = "migrate"
LOOK_EVERY = 0.2

Became = Literal["live", "rolled_back", "undone", "left", "doubtful"]
Doubt = Literal["ran", "not-ran"]


@dataclass(frozen=True)
class Manner:
    """How near an occurrence may be to the boundary, and how long to wait for a gap. `wait` takes seconds.

    `overdue_too`: also what the source has not run yet though it was due, which nobody runs then.
    """

    wait: Callable[[float], Any]
    margin: timedelta = timedelta(seconds=2)
    patience: timedelta = timedelta(minutes=1)
    overdue_too: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one job."""

    source_id: str
    name: str
    became: Became
    why: str = ""
    boundary_at: datetime | None = None


@dataclass(frozen=True)
class Known:
    """Our first occurrence after the boundary, the last that the source ran, and whether there may be others."""

    following: datetime | None
    ran_until: datetime | None
    is_certain: bool


class Road:
    """The steps between one source and our schedules."""

    def __init__(self, database: Database, source: Source, manner: Manner) -> None:
        self._database, self._source, self._manner = database, source, manner

    def cut_over(self, wanted: Sequence[Move]) -> list[Outcome]:
        """Make shadows live, and pause their jobs at the source; each as soon as none of its occurrences is near.

        Raises: SourceAway, SourceNotUnderstood, StoreAway: what was begun is found by the next that looks.
        """
        return self._in_gaps(wanted, self._take, back=False)

    def roll_back(self, wanted: Sequence[Move]) -> list[Outcome]:
        """Make live schedules shadows again, and let their jobs go on at the source. Raises: as `cut_over`."""
        return self._in_gaps(wanted, self._give_back, back=True)

    def mend(self, interrupted: Sequence[Move], *, doubt: Doubt | None = None) -> list[Outcome]:
        """Finish or undo what was cut short. `doubt` says of an occurrence in doubt whether it ran at the source."""
        paused = self._source.are_paused([move.source_id for move in interrupted])
        outcomes = []
        for move in interrupted:
            if move.intention == "cutover":
                outcomes.append(self._settle(move, paused=paused[move.source_id], doubt=doubt))
            else:
                outcomes.append(self._settle_back(move, paused=paused[move.source_id]))
        return outcomes

    def _in_gaps(
        self, wanted: Sequence[Move], act: Callable[[list[Standing], datetime], list[Outcome]], *, back: bool
    ) -> list[Outcome]:
        outcomes: list[Outcome] = []
        jobs = {job.id: job for job in self._source.jobs()} if wanted else {}
        left = {move.id: move for move in wanted}
        why: dict[int, str] = {}
        until = monotonic() + self._manner.patience.total_seconds()
        while left:
            still = list(left.values())
            standings = gaps.look(
                self._database, self._source, jobs, still,
                margin=self._manner.margin, back=back, overdue_too=self._manner.overdue_too,
            )  # fmt: skip
            ready = [one for one in standings if one.why_not is None]
            why = {one.move.id: one.why_not for one in standings if one.why_not is not None}
            gone = left.keys() - {one.move.id for one in standings}
            outcomes += [_left(left.pop(key), "it has no schedule") for key in gone]
            if ready:
                outcomes += act(ready, self._database.clock.now() + self._manner.margin)
                left = {key: move for key, move in left.items() if key not in {one.move.id for one in ready}}
                until = monotonic() + self._manner.patience.total_seconds()
            elif monotonic() > until:
                break
            elif left:
                self._manner.wait(LOOK_EVERY)
        return outcomes + [_left(move, why.get(key, "")) for key, move in left.items()]

    def _take(self, ready: list[Standing], boundary: datetime) -> list[Outcome]:
        """What is paused at the source already needs no gap there, and stays paused when it is rolled back."""
        idle = [one for one in ready if one.job is None or one.job.paused]
        outcomes = [self._make_live(one.move, boundary, is_ours=False) for one in idle]
        ours = [one.move for one in ready if one not in idle]
        if not ours:
            return outcomes
        self._intend(ours, "cutover", boundary)
        ids = [move.source_id for move in ours]
        try:
            self._source.pause(ids)
        except ServiceError as why:
            return outcomes + self._undo(ours, boundary, str(why))
        self._note_paused(ours)
        self._wait_until(boundary + self._manner.margin)
        paused = self._source.are_paused(ids)
        return outcomes + [self._settle(move, paused=paused[move.source_id]) for move in self._read(ours)]

    def _settle(self, move: Move, *, paused: bool, doubt: Doubt | None = None) -> Outcome:
        """Live, if it is certain what ran at the source; else back as it was, or in doubt."""
        boundary = move.boundary_at
        if boundary is None or not paused:
            return self._forget(move, "its job is not paused at the source, which goes on with it")
        known = self._known(move, boundary)
        until = monotonic() + self._manner.patience.total_seconds()
        while not known.is_certain and doubt is None and monotonic() < until:
            self._manner.wait(LOOK_EVERY)
            known = self._known(move, boundary)
        if known.is_certain or doubt == "not-ran" or known.following is None:
            return self._make_live(move, known.ran_until or boundary, is_ours=True)
        if doubt == "ran":
            return self._make_live(move, known.following, is_ours=True)
        return self._doubt(move, known.following)

    def _known(self, move: Move, boundary: datetime) -> Known:
        """What can be said of the occurrences after the boundary, before the job was seen to be paused."""
        with self._database.reading() as session:
            task = schedules.get(session, move.periodic_task_id or 0)
            told = observed_runs.of_jobs(session, move.source, [move.source_id], since=boundary)
            heard = observed_runs.watched(session, move.source)
        following = gaps.first_after(task, boundary)
        ran_until = max((row.scheduled_at for row in told if row.scheduled_at > boundary), default=None)
        in_time = following is None or (move.paused_at or self._database.clock.now()) < following
        was_told = following is not None and would_be_told(move, heard, following)
        return Known(following, ran_until, in_time or was_told or ran_until is not None)

    def _give_back(self, ready: list[Standing], boundary: datetime) -> list[Outcome]:
        moving = [one.move for one in ready]
        self._intend(moving, "rollback", boundary)
        self._make_shadows(moving, boundary)
        ids = [move.source_id for move in moving if move.paused_at is not None]
        try:
            if ids:
                self._source.resume(ids, not_before=boundary)
        except (ServiceError, NoInstants) as why:
            return [
                self._make_live(move, boundary, is_ours=move.paused_at is not None, why=str(why)) for move in moving
            ]
        return [self._rolled_back(move) for move in self._read(moving)]

    def _settle_back(self, move: Move, *, paused: bool) -> Outcome:
        """On to the end while nothing was due meanwhile; else live again from the boundary: nothing is lost."""
        with self._database.reading() as session:
            task = schedules.get(session, move.periodic_task_id or 0)
        if move.boundary_at is None or not task.shadow:
            return self._forget(move, "it was not begun", state="live")
        if move.paused_at is None or not paused:
            return self._rolled_back(move)
        following = gaps.first_after(task, move.boundary_at)
        if following is not None and following < self._database.clock.now() + self._manner.margin:
            why = f"nobody had {following:%Y-%m-%d %H:%M:%S}Z: it goes on here, and runs that"
            return self._make_live(move, move.boundary_at, is_ours=True, why=why)
        self._source.resume([move.source_id], not_before=move.boundary_at)
        return self._rolled_back(move)

    def _undo(self, wanted: Sequence[Move], boundary: datetime, why: str) -> list[Outcome]:
        """The source could not be paused: let go on what was."""
        paused = self._source.are_paused([move.source_id for move in wanted])
        if ids := [job_id for job_id, is_paused in paused.items() if is_paused]:
            self._source.resume(ids, not_before=boundary)
        return [self._forget(move, why) for move in wanted]

    def _wait_until(self, at: datetime) -> None:
        while (left := (at - self._database.clock.now()).total_seconds()) > 0:
            self._manner.wait(left)

    # The steps that are written down, a transaction each.

    def _read(self, wanted: Sequence[Move]) -> list[Move]:
        with self._database.reading() as session:
            return [session.get_one(Move, move.id) for move in wanted]

    def _intend(self, wanted: Sequence[Move], intention: str, boundary: datetime) -> None:
        self._write(wanted, intention=intention, boundary_at=boundary, note=None)

    def _note_paused(self, wanted: Sequence[Move]) -> None:
        self._write(wanted, paused_at=self._database.clock.now())

    def _make_live(self, move: Move, boundary: datetime, *, is_ours: bool, why: str = "") -> Outcome:
        """From the boundary on, also what came due since: a shadow's record of it is in nobody's way."""
        now = self._database.clock.now()
        paused_at = (move.paused_at or now) if is_ours else None
        values = {
            "state": "live",
            "intention": None,
            "boundary_at": boundary,
            "paused_at": paused_at,
            "note": why or None,
        }
        with self._database.transaction() as session:
            for locked, task in _locked(session, [move], now=now, **values):
                _set_shadow(session, task, shadow=False, watermark=boundary)
                _record(session, locked, task, "cutover", shadow=(True, False))
        return _outcome(move, "undone" if why else "live", why, boundary)

    def _make_shadows(self, wanted: Sequence[Move], boundary: datetime) -> None:
        now = self._database.clock.now()
        with self._database.transaction() as session:
            for locked, task in _locked(session, wanted, now=now):
                _set_shadow(session, task, shadow=True, watermark=boundary)
                _record(session, locked, task, "rollback", shadow=(False, True))

    def _rolled_back(self, move: Move) -> Outcome:
        values = {"state": "rolled_back", "intention": None, "paused_at": None, "shadow_since": move.boundary_at}
        self._write([move], **values)
        return _outcome(move, "rolled_back", "", move.boundary_at)

    def _forget(self, move: Move, why: str, *, state: str = "shadow") -> Outcome:
        values = {"intention": None, "boundary_at": None, "note": why}
        self._write([move], state=state, **values if state == "live" else values | {"paused_at": None})
        return _outcome(move, "undone", why)

    def _doubt(self, move: Move, at: datetime) -> Outcome:
        why = f"whether {at:%Y-%m-%d %H:%M:%S}Z ran at the source is not known: look, and say --doubt ran or not-ran"
        self._write([move], state="doubtful", note=why)
        return _outcome(move, "doubtful", why, move.boundary_at)

    def _write(self, wanted: Sequence[Move], **values: Any) -> None:
        with self._database.transaction() as session:
            _locked(session, wanted, now=self._database.clock.now(), **values)


def _locked(
    session: Session, wanted: Sequence[Move], *, now: datetime, **values: Any
) -> list[tuple[Move, PeriodicTask]]:
    """The moves, with the values, and their schedules."""
    audit.comes_from(session, ACTOR)
    found = []
    for move in moves.lock(session, [move.id for move in wanted]):
        for name, value in (values | {"changed_at": now}).items():
            setattr(move, name, value)
        found.append((move, schedules.get(session, move.periodic_task_id or 0)))
    session.flush()
    return found


def _set_shadow(session: Session, task: PeriodicTask, *, shadow: bool, watermark: datetime) -> None:
    """Where it stands is told with it, or the database would say that it stands where it is edited."""
    schedules.change(task, {"shadow": shadow, "watermark": watermark})
    schedules.save(session, task)


def _record(session: Session, move: Move, task: PeriodicTask, action: str, *, shadow: tuple[bool, bool]) -> None:
    audit.record(
        session,
        actor=ACTOR,
        action=action,
        subject_type="schedule",
        subject_id=task.id,
        subject_name=task.name,
        changes={"shadow": shadow, "source": (None, move.source)},
    )


def _outcome(move: Move, became: Became, why: str = "", boundary: datetime | None = None) -> Outcome:
    return Outcome(move.source_id, move.name, became, why, boundary)


def _left(move: Move, why: str) -> Outcome:
    return _outcome(move, "left", why)
