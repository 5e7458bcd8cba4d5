"""`runs`: what became of occurrences, and what is becoming of them."""

import sys
from contextlib import suppress
from itertools import islice

import click

from scheduler_service.cli.drafts import assigned, span_of
from scheduler_service.cli.remote import RemoteCommands, as_json, remote, schedule_names
from scheduler_service.cli.tables import STYLES, in_words, note, show_document, show_json, show_lines, show_table, tell
from scheduler_service.client import Client
from scheduler_service.client.documents import Run

SUCCEEDED, OTHERWISE = 0, 1


@click.group(cls=RemoteCommands)
def runs() -> None:
    """What became of each occurrence, and what is becoming of it."""


@runs.command("list")
@click.option("--schedule", shell_complete=schedule_names, help="Of one schedule, by name or id.")
@click.option("--state", multiple=True, help="In this state; may be given several times.")
@click.option("--kind", help="collect, etl, report or other.")
@click.option("--worker", help="Executed by this worker.")
@click.option("--origin", help="auto, manual:… or backfill:….")
@click.option("--since", "occurrence_after", help="Of occurrences after this instant.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most.")
@as_json
@remote
def list_runs(
    client: Client, schedule: str | None, limit: int, as_json: bool, state: tuple[str, ...], **filters: str | None
) -> None:
    """List runs, newest first."""
    schedule_id = client.schedules.find(schedule).id if schedule else None
    found = list(
        islice(client.runs.each(schedule_id=schedule_id, state=state, limit=min(limit, 200), **filters), limit)
    )
    if as_json:
        return show_json([run.as_json() for run in found])
    headings = ("ID", "STATE", "OCCURRENCE", "STARTED", "SECONDS", "ATTEMPT", "ORIGIN", "SCHEDULE")
    show_table(headings, map(_row, found), spare=("ORIGIN", "ATTEMPT", "STARTED", "SECONDS", "OCCURRENCE"))
    return None


@runs.command("show")
@click.argument("run")
@as_json
@remote
def show(client: Client, run: str, as_json: bool) -> None:
    """Show a run, with its error and traceback."""
    show_document(client.runs.get(run), as_json=as_json, first=("id", "schedule_name", "state", "reason"))


@runs.command("create")
@click.argument("task")
@click.option("--at", "run_at", help="When, such as 2030-01-01T09:00:00Z.  [default: now]")
@click.option("--in", "after", help="After a while, such as 90s, 5m, 2h or 1d.")
@click.option(
    "--set", "settings", multiple=True, metavar="FIELD=VALUE", help="A field, such as args=[1]; dots lead in."
)
@as_json
@remote
def create(
    client: Client, task: str, run_at: str | None, after: str | None, settings: tuple[str, ...], as_json: bool
) -> None:
    """Run TASK once, without a schedule: now, or later."""
    if run_at and after:
        raise click.UsageError("--at and --in exclude each other.")
    countdown = span_of(after, option="--in").total_seconds() if after else None
    run = client.runs.create(task, run_at=run_at, countdown=countdown, **assigned(settings))
    tell(run, f"Run {run.id} of {run.task} is {run.state}, to be sent at {in_words(run.fire_at)}.", as_json=as_json)


@runs.command("tail")
@click.option("--schedule", shell_complete=schedule_names, help="Of one schedule, by name or id.")
@click.option("--until-finished", metavar="RUN", help="Of this run alone; the exit code says whether it succeeded.")
@as_json
@remote
def tail(client: Client, schedule: str | None, until_finished: str | None, as_json: bool) -> None:
    """Follow runs as they change, until Ctrl-C."""
    if schedule and until_finished:
        raise click.UsageError("--schedule and --until-finished exclude each other.")
    if until_finished:
        sys.exit(_follow_one(client, until_finished, as_json=as_json))
    with suppress(KeyboardInterrupt):  # how it is meant to end
        _follow(client, client.schedules.find(schedule).id if schedule else None, as_json=as_json)


@runs.command("cancel")
@click.argument("run")
@click.option("--terminate", is_flag=True, help="End its process when it does not end by itself.")
@as_json
@remote
def cancel(client: Client, run: str, terminate: bool, as_json: bool) -> None:
    """End a run: at once when it has not started, else it is asked to."""
    _told(client.runs.cancel(run, terminate=terminate), as_json=as_json)


@runs.command("retry")
@click.argument("run")
@as_json
@remote
def retry(client: Client, run: str, as_json: bool) -> None:
    """Give a finished run another attempt."""
    _told(client.runs.retry(run), as_json=as_json)


def _follow(client: Client, schedule_id: int | None, *, as_json: bool) -> None:
    """Tell each change as it comes, for ever."""
    looks = client.events(types="run", schedule_id=schedule_id).looks()
    next(looks)
    note("Following; Ctrl-C ends it.")
    for event in filter(None, looks):
        if isinstance(event.change, Run):
            _tell(event.change, as_json=as_json)
        else:
            note("More runs changed than could be told: see `runs list`.")


def _follow_one(client: Client, run_id: str, *, as_json: bool) -> int:
    """Tell each change of a run until it has ended; the exit code. The run itself is read again whenever the stream
    may have missed something: when it has just connected, and when it has been silent."""
    run: Run = client.runs.get(run_id)
    told = None
    for event in client.events(types="run", schedule_id=run.schedule_id).looks():
        if event is None:
            run = client.runs.get(run_id)
        elif isinstance(event.change, Run) and event.change.id == run.id:
            run = event.change
        if told != (run.state, run.attempt):
            _tell(run, as_json=as_json)
            told = (run.state, run.attempt)
        if run.finished:
            break
    return SUCCEEDED if run.state == "succeeded" else OTHERWISE


def _tell(run: Run, *, as_json: bool) -> None:
    if as_json:
        return show_json(run.as_json(), indent=None)
    at = run.finished_at or run.started_at or run.published_at or run.decided_at
    words = [in_words(at), f"{run.state:<9}", run.schedule_name, str(run.id), run.error or run.reason or ""]
    show_lines([("  ".join(words).rstrip(), STYLES.get(run.state, ""))])
    return None


def _told(run: Run, *, as_json: bool) -> None:
    tell(run, f"Run {run.id} of {run.schedule_name} is {run.state}.", as_json=as_json)


def _row(run: Run) -> tuple[object, ...]:
    seconds = None
    if run.started_at and run.finished_at:
        seconds = f"{(run.finished_at - run.started_at).total_seconds():.1f}"
    origin = run.origin.partition(":")[0]  # the rest of it is an id
    return str(run.id), run.state, run.occurrence_at, run.started_at, seconds, run.attempt, origin, run.schedule_name
