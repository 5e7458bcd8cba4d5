"""`migrate compare|cutover|rollback|status`: walking the road, and walking it back."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import wraps
from threading import Event
from typing import Any

import click

from scheduler_service.cli.configuration import database_url, read_settings
from scheduler_service.cli.migrate_plan import sourced
from scheduler_service.cli.tables import BAD, MIDDLING, note, show_json, show_lines, show_table

INCOMPLETE = 1
WALKABLE = {"cutover": ("shadow", "rolled_back"), "rollback": ("live",)}


def selecting(command: Callable[..., None]) -> Callable[..., None]:
    """A command about some of the source's jobs, and the options that say which."""

    @click.option("--name", "names", multiple=True, help="A job's name or id, or a pattern with `*`; repeatable.")
    @click.option("--tag", "tags", multiple=True, help="Those whose schedule has this tag.")
    @click.option("--percent", type=click.FloatRange(0, 100), help="So large a share of all; a larger one includes it.")
    @click.option("--all", "everything", is_flag=True, help="Every job.")
    @wraps(command)
    def selected(
        *args: Any, names: tuple[str, ...], tags: tuple[str, ...], percent: float | None, everything: bool, **rest: Any
    ) -> None:
        from scheduler_service.moving.selecting import Selection

        command(*args, Selection(names, tags, percent, everything), **rest)

    return selected


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
    def step(*args: Any, **kwargs: Any) -> None:
        command(*args, **kwargs)

    return step  # fmt: skip


@click.command("compare")
@sourced
@selecting
@click.option("--since", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="By default since the shadow began.")
@click.option("--until", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="By default until just now.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="Seconds that two instants may be apart and still be the same.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def compare(
    source: Any, _mapping: Any, wanted: Any, *,
    since: datetime | None, until: datetime | None, tolerance: float, as_json: bool,
) -> None:  # fmt: skip
    """Tell what SOURCE really ran, against what the shadows would have run."""
    from scheduler_service.moving import comparing

    with _opened() as database:
        moves = _moves(database, source, wanted, whole=True)
        comparing.take_last_runs(database, source, moves)
        found = comparing.compare_all(database, moves, since=since, until=until, tolerance=timedelta(seconds=tolerance))
    if as_json:
        show_json([comparing.document_of(one) for one in found])
    else:
        _show_comparisons(found)
    if any(one.unexplained for one in found):
        sys.exit(INCOMPLETE)


@click.command("cutover")
@sourced
@selecting
@stepping
@click.option("--anyway", is_flag=True, help="Also jobs that compare badly, or are overdue at their source.")
@click.option("--uncompared", is_flag=True, help="Also jobs that had nothing to run since they are shadows.")
def cutover(source: Any, _mapping: Any, wanted: Any, anyway: bool, uncompared: bool, **how: Any) -> None:
    """Make shadows live, and pause their jobs at SOURCE, each between two of its occurrences."""
    with _opened() as database:
        moves = _moves(database, source, wanted)
        ready, refused = _ready(database, source, moves, anyway=anyway, uncompared=uncompared)
        _walk(database, source, "cutover", moves, ready, refused, overdue_too=anyway, **how)


@click.command("rollback")
@sourced
@selecting
@stepping
def rollback(source: Any, _mapping: Any, wanted: Any, **how: Any) -> None:
    """Make live schedules shadows again, and let their jobs go on at SOURCE."""
    with _opened() as database:
        moves = _moves(database, source, wanted)
        ready = [move for move in moves if move.state in WALKABLE["rollback"] and move.intention is None]
        _walk(database, source, "rollback", moves, ready, {}, **how)


@click.command("status")
@sourced
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(source: Any, _mapping: Any, as_json: bool) -> None:
    """Tell where each job of SOURCE stands; the exit code is 1 where something has to be done about one."""
    from scheduler_service.moving.comparing import compare_all
    from scheduler_service.moving.resumed import run_twice
    from scheduler_service.moving.selecting import Selection
    from scheduler_service.services import moves as services

    with _opened() as database:
        moves = _moves(database, source, Selection(everything=True), whole=True)
        paused = source.are_paused([move.source_id for move in moves])
        compared = compare_all(database, moves)
        with database.reading() as session:
            summary = services.summary(session, source.label)
    twice = {move.id for move in run_twice(moves, paused)}
    rows = [
        _standing(move, one, paused=paused[move.source_id], twice=move.id in twice)
        for move, one in zip(moves, compared, strict=True)
    ]
    if as_json:
        show_json({"source": source.label, "total": summary.total, "states": summary.states,
                   "percent": summary.percent, "jobs": rows})  # fmt: skip
    else:
        _show_standings(source, summary, rows)
    if any(row["problem"] for row in rows):
        sys.exit(INCOMPLETE)


def _show_standings(source: Any, summary: Any, rows: list[dict[str, Any]]) -> None:
    heads = ("job", "state", "at_source", "matched", "differs", "note")
    show_table([head.upper().replace("_", " ") for head in heads], [[row[head] for head in heads] for row in rows])
    shares = ", ".join(
        f"{count} {state} ({summary.percent[state]} %)" for state, count in summary.states.items() if count
    )
    for row in rows:
        if row["problem"]:
            show_lines([(f"{row['job']}: {row['problem']}", BAD)])
    note(f"{shares or 'No job'}, of {source.label}.")


@contextmanager
def _opened() -> Iterator[Any]:
    from scheduler_service.storage.session import Database

    database = Database(database_url(read_settings()))
    try:
        yield database
    finally:
        database.close()


def _moves(database: Any, source: Any, wanted: Any, *, whole: bool = False) -> Any:
    """The jobs that are meant. Raises: UsageError, when nobody said which, or named one that is not there."""
    from scheduler_service.moving.selecting import chosen, unknown
    from scheduler_service.storage import moves as stored

    if wanted.is_empty and not whole:
        raise click.UsageError("Say which jobs: --name, --tag, --percent, or --all.")
    with database.reading() as session:
        found = stored.search(session, stored.MoveFilter(source=source.label))
        schedules = stored.schedules_of(session, found)
    if strange := unknown(found, schedules, wanted):
        raise click.UsageError(f"No job of {source.label} is called {', '.join(strange)}.")
    return chosen(found, schedules, wanted)


def _ready(
    database: Any, source: Any, moves: Any, *, anyway: bool, uncompared: bool
) -> tuple[list[Any], dict[str, str]]:
    """Those that may be cut over, and why the others may not."""
    from scheduler_service.moving import comparing

    waiting = [move for move in moves if move.state in WALKABLE["cutover"] and move.intention is None]
    comparing.take_last_runs(database, source, waiting)
    why = {
        one.source_id: comparing.why_not_clean(one, uncompared=uncompared)
        for one in comparing.compare_all(database, waiting)
    }
    refused = {} if anyway else {key: text for key, text in why.items() if text is not None}
    return [move for move in waiting if move.source_id not in refused], refused


def _walk(
    database: Any, source: Any, step: str, moves: Any, ready: list[Any], refused: dict[str, str], *,
    margin: float, patience: float, doubt: Any, dry_run: bool, yes: bool, as_json: bool, overdue_too: bool = False,
) -> None:  # fmt: skip
    """First what was cut short, then the step itself."""
    from scheduler_service.moving.resumed import pause_again, run_twice
    from scheduler_service.moving.road import Manner, Outcome, Road

    paused = source.are_paused([move.source_id for move in moves])
    twice = run_twice(moves, paused) if step == "cutover" else []
    interrupted = [move for move in moves if move.intention is not None]
    outcomes = [Outcome(move.source_id, move.name, "left", f"{refused[move.source_id]}")
                for move in moves if move.source_id in refused]  # fmt: skip
    if dry_run:
        _tell_of(step, ready, interrupted, twice, outcomes)
        return
    if (many := len(ready) + len(interrupted) + len(twice)) and not yes:
        _tell_of(step, ready, interrupted, twice, outcomes)
        click.confirm(f"{step.capitalize()} {many} jobs of {source.label}?", abort=True, err=True)
    manner = Manner(Event().wait, timedelta(seconds=margin), timedelta(seconds=patience), overdue_too)
    road = Road(database, source, manner)
    outcomes += road.mend(interrupted, doubt=doubt)
    outcomes += pause_again(database, source, twice)
    outcomes += road.cut_over(ready) if step == "cutover" else road.roll_back(ready)
    if as_json:
        show_json([asdict(one) | {"boundary_at": one.boundary_at and one.boundary_at.isoformat()} for one in outcomes])
    else:
        show_table(("JOB", "BECAME", "WHY"), [(one.name, one.became, one.why or None) for one in outcomes])
    if any(one.became in ("left", "undone", "doubtful") for one in outcomes):
        sys.exit(INCOMPLETE)


def _tell_of(step: str, ready: Any, interrupted: Any, twice: Any, refused: Any) -> None:
    rows: list[tuple[str, str, str | None]] = [(move.name, step, None) for move in ready]
    rows += [(move.name, "mend", f"a {move.intention} was cut short") for move in interrupted]
    rows += [(move.name, "pause", "it was resumed at its source") for move in twice]
    rows += [(one.name, "leave", one.why) for one in refused]
    show_table(("JOB", "STEP", "WHY"), rows)


def _standing(move: Any, compared: Any, *, paused: bool, twice: bool) -> dict[str, Any]:
    differs = sum(count for kind, count in compared.counts.items() if kind != "matched")
    return {
        "job": move.name,
        "source_id": move.source_id,
        "schedule_id": move.periodic_task_id,
        "state": move.state,
        "at_source": "paused" if paused else "runs",
        "matched": compared.counts["matched"],
        "differs": differs,
        "unexplained": compared.unexplained,
        "note": move.note,
        "problem": _problem(move, twice=twice),
    }


def _problem(move: Any, *, twice: bool) -> str | None:
    """What has to be done about a job, and how."""
    if twice:
        return (
            "it is live here and runs at its source too, so that it runs twice: take it out of what that process adds "
            f"at its start, and pause it again by `migrate cutover --name {shlex.quote(move.source_id)}`"
        )
    if move.state == "doubtful":
        return str(move.note)
    return f"a {move.intention} was cut short: run it again" if move.intention else None


def _show_comparisons(found: Any) -> None:
    from scheduler_service.services.comparisons import KINDS

    heads = ("JOB", *(kind.upper() for kind in KINDS), "UNEXPLAINED", "MOST MS")
    rows = [
        (one.name, *(one.counts[kind] for kind in KINDS), one.unexplained, one.greatest_milliseconds)
        for one in found
        if one.since is not None
    ]
    show_table(heads, rows)
    for one in found:
        for difference in one.differences:
            ours, theirs = (at and f"{at:%Y-%m-%d %H:%M:%S}Z" for at in (difference.ours, difference.theirs))
            line = f"{one.name}: {difference.kind}: {theirs or 'not'} there, {ours or 'not'} here"
            why = difference.explained or "unexplained"
            show_lines([(f"{line} ({why})", MIDDLING if difference.explained else BAD)])
    for one in found:
        if one.since is None:
            note(f"{one.name}: nothing to compare yet.")
