"""`migrate compare` and `migrate status`: how the two sides compare, and where each job stands."""

import shlex
import sys
from datetime import datetime, timedelta
from typing import Any

import click

from scheduler_service.cli.migrate_jobs import INCOMPLETE, INSTANT, chosen_moves, opened, selecting
from scheduler_service.cli.migrate_plan import sourced
from scheduler_service.cli.tables import BAD, MIDDLING, note, show_json, show_lines, show_table


@click.command("compare")
@sourced
@selecting
@click.option("--since", type=INSTANT, help="By default since the shadow began.")
@click.option("--until", type=INSTANT, help="By default until just now.")
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
    """Tell what SOURCE really ran, against what the shadows would have run.

    The exit code is 1 where something differs without a reason, and while nothing was compared.
    """
    from scheduler_service.moving import comparing

    with opened() as database:
        moves = chosen_moves(database, source, wanted, whole=True)
        comparing.take_last_runs(database, source, moves)
        found = comparing.compare_all(database, moves, since=since, until=until, tolerance=timedelta(seconds=tolerance))
    if as_json:
        show_json([comparing.document_of(one) for one in found])
    else:
        _show_comparisons(found)
    if not any(one.is_compared for one in found):
        note("Nothing was compared yet: let both run until each job had its turn.")
        sys.exit(INCOMPLETE)
    if any(one.unexplained for one in found):
        sys.exit(INCOMPLETE)


@click.command("status")
@sourced
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(source: Any, _mapping: Any, as_json: bool) -> None:
    """Tell where each job of SOURCE stands; the exit code is 1 where something has to be done about one."""
    from scheduler_service.moving.comparing import compare_all
    from scheduler_service.moving.resumed import run_twice
    from scheduler_service.moving.selecting import Selection
    from scheduler_service.services import moves as services

    with opened() as database:
        moves = chosen_moves(database, source, Selection(everything=True), whole=True)
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
