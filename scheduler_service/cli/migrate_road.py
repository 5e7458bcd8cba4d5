"""`migrate cutover` and `migrate rollback`: walking the road, and walking it back."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import wraps
from threading import Event
from typing import Any

import click

from scheduler_service.cli.migrate_jobs import INCOMPLETE, INSTANT, chosen_moves, opened, selecting
from scheduler_service.cli.migrate_plan import sourced
from scheduler_service.cli.tables import show_json, show_table

WALKABLE = {"cutover": ("shadow", "rolled_back"), "rollback": ("live",)}


@dataclass(frozen=True)
class Wish:
    """How a step is to be taken."""

    margin: float
    patience: float
    doubt: Any
    dry_run: bool
    yes: bool
    as_json: bool


@dataclass(frozen=True)
class Step:
    """Who takes it, whose last one was cut short, who runs on both sides, and who is left with why."""

    name: str
    ready: list[Any]
    interrupted: list[Any]
    twice: list[Any]
    left: list[Any]

    @property
    def count(self) -> int:
        """How many jobs it changes."""
        return len(self.ready) + len(self.interrupted) + len(self.twice)

    def rows(self) -> list[tuple[str, str, str | None]]:
        """What would be done, a job each."""
        rows: list[tuple[str, str, str | None]] = [(move.name, self.name, None) for move in self.ready]
        rows += [(move.name, "mend", f"a {move.intention} was cut short") for move in self.interrupted]
        rows += [(move.name, "pause", "it was resumed at its source") for move in self.twice]
        return rows + [(one.name, "leave", one.why) for one in self.left]


def stepping(command: Callable[..., None]) -> Callable[..., None]:
    """A command that changes who runs a job."""

    @click.option(
        "--margin",
        type=click.FloatRange(0.05),
        default=2.0,
        show_default=True,
        help="Seconds between the boundary and any occurrence.",
    )
    @click.option(
        "--patience", type=click.FloatRange(0), default=60.0, show_default=True, help="Seconds to wait for such a gap."
    )
    @click.option(
        "--doubt",
        type=click.Choice(["ran", "not-ran"]),
        help="What became, at the source, of the occurrence that is in doubt.",
    )
    @click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    @wraps(command)
    def step(
        *args: Any, margin: float, patience: float, doubt: Any, dry_run: bool, yes: bool, as_json: bool, **rest: Any
    ) -> None:
        command(*args, Wish(margin, patience, doubt, dry_run, yes, as_json), **rest)

    return step


@click.command("cutover")
@sourced
@selecting
@stepping
@click.option("--anyway", is_flag=True, help="Also jobs that compare badly, or are overdue at their source.")
@click.option("--uncompared", is_flag=True, help="Also jobs that had nothing to run since they are shadows.")
@click.option("--since", type=INSTANT, help="Compare from there on.  [default: since the shadow began]")
def cutover(
    source: Any, _mapping: Any, wanted: Any, wish: Wish, *, anyway: bool, uncompared: bool, since: datetime | None
) -> None:
    """Make shadows live, and pause their jobs at SOURCE, each between two of its occurrences."""
    with opened() as database:
        moves = chosen_moves(database, source, wanted)
        waiting = [move for move in moves if move.state in WALKABLE["cutover"] and move.intention is None]
        why = _unready(database, source, waiting, since=since, uncompared=uncompared)
        refused = {} if anyway else why
        ready = [move for move in waiting if move.source_id not in refused]
        _take(database, source, _step("cutover", source, moves, ready, refused), wish, overdue_too=anyway)


@click.command("rollback")
@sourced
@selecting
@stepping
def rollback(source: Any, _mapping: Any, wanted: Any, wish: Wish) -> None:
    """Make live schedules shadows again, and let their jobs go on at SOURCE."""
    with opened() as database:
        moves = chosen_moves(database, source, wanted)
        ready = [move for move in moves if move.state in WALKABLE["rollback"] and move.intention is None]
        _take(database, source, _step("rollback", source, moves, ready, {}), wish)


def _unready(
    database: Any, source: Any, waiting: list[Any], *, since: datetime | None, uncompared: bool
) -> dict[str, str]:
    """Why some of them should not be cut over yet."""
    from scheduler_service.moving import comparing

    comparing.take_last_runs(database, source, waiting)
    why = {
        one.source_id: comparing.why_not_clean(one, uncompared=uncompared)
        for one in comparing.compare_all(database, waiting, since=since)
    }
    return {key: text for key, text in why.items() if text is not None}


def _step(name: str, source: Any, moves: Any, ready: list[Any], refused: dict[str, str]) -> Step:
    """All that it is about: first what was cut short is mended, then the step itself is taken."""
    from scheduler_service.moving.resumed import run_twice
    from scheduler_service.moving.road import Outcome

    paused = source.are_paused([move.source_id for move in moves])
    return Step(
        name,
        ready,
        interrupted=[move for move in moves if move.intention is not None],
        twice=run_twice(moves, paused) if name == "cutover" else [],
        left=[
            Outcome(move.source_id, move.name, "left", refused[move.source_id])
            for move in moves
            if move.source_id in refused
        ],
    )


def _take(database: Any, source: Any, step: Step, wish: Wish, *, overdue_too: bool = False) -> None:
    """Ask, do it, and tell what became of each."""
    if wish.dry_run or (step.count and not wish.yes):
        show_table(("JOB", "STEP", "WHY"), step.rows())
    if wish.dry_run:
        return
    if step.count and not wish.yes:
        click.confirm(f"{step.name.capitalize()} {step.count} jobs of {source.label}?", abort=True, err=True)
    outcomes = step.left + _done(database, source, step, wish, overdue_too=overdue_too)
    if wish.as_json:
        show_json([asdict(one) | {"boundary_at": one.boundary_at and one.boundary_at.isoformat()} for one in outcomes])
    else:
        show_table(("JOB", "BECAME", "WHY"), [(one.name, one.became, one.why or None) for one in outcomes])
    if any(one.became in ("left", "undone", "doubtful") for one in outcomes):
        sys.exit(INCOMPLETE)


def _done(database: Any, source: Any, step: Step, wish: Wish, *, overdue_too: bool) -> list[Any]:
    from scheduler_service.moving.resumed import pause_again
    from scheduler_service.moving.road import Manner, Road

    manner = Manner(Event().wait, timedelta(seconds=wish.margin), timedelta(seconds=wish.patience), overdue_too)
    road = Road(database, source, manner)
    outcomes: list[Any] = [*road.mend(step.interrupted, doubt=wish.doubt), *pause_again(database, source, step.twice)]
    return outcomes + (road.cut_over(step.ready) if step.name == "cutover" else road.roll_back(step.ready))
