"""`schedules`: what runs, and when."""

import json
import sys
from itertools import islice
from typing import Any, TextIO

import click

from scheduler_service.cli import transfer
from scheduler_service.cli.drafts import assigned, interval_of, merged, read_document
from scheduler_service.cli.editing import create_by_hand, edit_by_hand
from scheduler_service.cli.filters import filters
from scheduler_service.cli.remote import REFUSED, RemoteCommands, as_json, remote, schedule_names, yes
from scheduler_service.cli.tables import note, show_document, show_json, show_table, tell
from scheduler_service.client import Client
from scheduler_service.client.documents import BulkResult, Schedule
from scheduler_service.client.schedules import BulkAction

STANDS = ("id", "name", "state", "timing_text", "next_run_at", "last_run_at", "total_run_count")
NAMED = 10  # schedules whose names are in a question
SORTS = ("name", "next_run_at", "last_run_at", "created_at", "date_changed")
one = click.argument("schedule", metavar="NAME-OR-ID", shell_complete=schedule_names)
several = click.argument("names", metavar="[NAME-OR-ID]...", nargs=-1, shell_complete=schedule_names)
dry_run = click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
settings = click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="A field; dots lead inside.")
file = click.option("--file", type=click.File(encoding="utf-8"), help="A document in YAML or JSON; - for stdin.")
cron = click.option("--cron", help="For --set timing.type=crontab and its expression.")
every_ = click.option("--every", help="An interval: 30s, 5m, 2h or 1d.")


@click.group(cls=RemoteCommands)
def schedules() -> None:
    """What runs, and when. Schedules are named by their name, or by their id where it is all digits."""


for command in (transfer.export, transfer.diff, transfer.import_):
    schedules.add_command(command)


@schedules.command("list")
@filters
@click.option(
    "--sort", type=click.Choice([*SORTS, *(f"-{field}" for field in SORTS)]), default="name", show_default=True
)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most.")
@as_json
@remote
def list_schedules(client: Client, sort: str, limit: int, as_json: bool, where: dict[str, Any]) -> None:
    """List schedules: all, or those that the options leave."""
    found = list(islice(client.schedules.each(sort=sort, limit=min(limit + 1, 200), **where), limit + 1))
    if as_json:
        return show_json([schedule.as_json() for schedule in found[:limit]])
    headings = ("ID", "STATE", "NEXT RUN", "LAST RUN", "TASK", "TIMING", "NAME")
    show_table(headings, map(_row, found[:limit]), spare=("LAST RUN", "TASK", "NEXT RUN", "TIMING"))
    if len(found) > limit:
        note(f"There are more than {limit}: see --limit.")
    return None


@schedules.command("show")
@one
@as_json
@remote
def show(client: Client, schedule: str, as_json: bool) -> None:
    """Show a schedule."""
    show_document(client.schedules.find(schedule), as_json=as_json, first=STANDS)


@schedules.command("create")
@settings
@file
@cron
@every_
@as_json
@remote
def create(
    client: Client, settings: tuple[str, ...], file: TextIO | None, cron: str | None, every: str | None, as_json: bool
) -> None:
    """Make a schedule: from --file, from --set, or else in your editor."""
    changes = _changes(settings, cron, every)
    if file or changes:
        base = read_document(file.read()) if file else {}
        made: Schedule | None = client.schedules.create(merged(base, changes))
    else:
        made = create_by_hand(client)
    _told(made, "Created", as_json=as_json)


@schedules.command("edit")
@one
@settings
@file
@cron
@every_
@as_json
@remote
def edit(
    client: Client,
    schedule: str,
    settings: tuple[str, ...],
    file: TextIO | None,
    cron: str | None,
    every: str | None,
    as_json: bool,
) -> None:
    """Change a schedule: some fields by --set, the whole by --file, or in your editor.

    A change that somebody else made meanwhile is never overwritten: exit code 4.
    """
    found, changes = client.schedules.find(schedule), _changes(settings, cron, every)
    if file:
        whole = merged(read_document(file.read()), changes)
        done: Schedule | None = client.schedules.replace(found.id, whole, revision=found.revision)
    elif changes:
        done = client.schedules.patch(found.id, changes, revision=found.revision)
    else:
        done = edit_by_hand(client, found)
    _told(done, "Changed", as_json=as_json)


@schedules.command("pause")
@filters
@several
@click.option("--reason", help="Shown to whoever wonders.")
@dry_run
@yes
@as_json
@remote
def pause(client: Client, names: tuple[str, ...], where: dict[str, Any], reason: str | None, **how: Any) -> None:
    """Stop schedules from coming due until they are resumed: those named, or those that the options choose."""
    _many(client, "pause", names, where, reason=reason, **how)


@schedules.command("resume")
@filters
@several
@dry_run
@yes
@as_json
@remote
def resume(client: Client, names: tuple[str, ...], where: dict[str, Any], **how: Any) -> None:
    """Let paused schedules come due again; paused time is not caught up."""
    _many(client, "resume", names, where, **how)


@schedules.command("delete")
@filters
@several
@dry_run
@yes
@as_json
@remote
def delete(client: Client, names: tuple[str, ...], where: dict[str, Any], **how: Any) -> None:
    """Delete schedules; their runs stay."""
    _many(client, "delete", names, where, asks_always=True, **how)


@schedules.command("trigger")
@one
@click.option("--args", help="A JSON list, in place of the schedule's.")
@click.option("--kwargs", help="A JSON object, in place of the schedule's.")
@as_json
@remote
def trigger(client: Client, schedule: str, args: str | None, kwargs: str | None, as_json: bool) -> None:
    """Run a schedule now; its timing is not moved. Follow the run by `runs tail --until-finished`."""
    given = {"args": _json("--args", args), "kwargs": _json("--kwargs", kwargs)}
    run = client.schedules.trigger(client.schedules.find(schedule).id, **given)
    tell(run, f"Run {run.id} of {run.schedule_name} is {run.state}.", as_json=as_json)


@schedules.command("next")
@one
@click.option("--count", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@as_json
@remote
def next_(client: Client, schedule: str, count: int, as_json: bool) -> None:
    """Show when a schedule comes due, as Beat will decide it."""
    found = client.schedules.upcoming(client.schedules.find(schedule).id, count=count)
    if as_json:
        return show_json(found.as_json())
    show_table(("OCCURRENCE", "SENT", "LOCAL"), ((i.occurrence_at, i.fire_at, i.local) for i in found.items))
    return None


@schedules.command("backfill")
@one
@click.argument("start")
@click.argument("end")
@click.option("--mode", type=click.Choice(["missing", "failed", "all"]), default="missing", show_default=True)
@click.option("--max-parallel", type=click.IntRange(1, 100), default=1, show_default=True, help="How many at once.")
@click.option("--order", type=click.Choice(["oldest", "newest"]), default="oldest", show_default=True)
@dry_run
@as_json
@remote
def backfill(client: Client, schedule: str, dry_run: bool, as_json: bool, **wanted: Any) -> None:
    """Run a schedule's occurrences from START up to END, such as 2026-03-02T00:00:00Z, after all."""
    schedule_id = client.schedules.find(schedule).id
    if dry_run:
        proposal = client.schedules.propose_backfill(schedule_id, **wanted)
        return tell(proposal, f"{proposal.total} occurrences would be run.", as_json=as_json)
    made = client.schedules.backfill(schedule_id, **wanted)
    return tell(made, f"Backfill {made.id} runs {made.total} occurrences.", as_json=as_json)


def _many(
    client: Client,
    action: BulkAction,
    names: tuple[str, ...],
    where: dict[str, Any],
    *,
    reason: str | None = None,
    asks_always: bool = False,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Do the same to those named, or to those chosen; what chooses, or destroys, asks first."""
    if bool(names) == bool(where):
        raise click.UsageError("Name the schedules, or choose them by options such as --tag.")
    chosen: dict[str, Any] = {"ids": [client.schedules.find(name).id for name in names]} if names else {"where": where}
    if (where or asks_always) and not (yes or dry_run):
        plan = client.schedules.bulk(action, dry_run=True, **chosen)
        if not plan.total:
            return note("No schedule is chosen.")
        click.confirm(f"{action.capitalize()} {_counted(plan)}?", abort=True, err=True)
    done = client.schedules.bulk(action, reason=reason, dry_run=dry_run, **chosen)
    if as_json:
        show_json(done.as_json())
    else:
        show_table(("ID", "OUTCOME", "NAME", "WHY"), ((i.id, i.outcome, i.name, i.detail) for i in done.items))
    if done.failed:
        sys.exit(REFUSED)
    return None


def _counted(plan: BulkResult) -> str:
    names = [str(item.name) for item in plan.items]
    shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return f"{plan.total} {'schedule' if plan.total == 1 else 'schedules'} ({shown})"


def _changes(settings: tuple[str, ...], cron: str | None, every: str | None) -> dict[str, Any]:
    """What the options say about fields."""
    if cron and every:
        raise click.UsageError("--cron and --every exclude each other.")
    timing = {"type": "crontab", "expression": cron} if cron else interval_of(every) if every else None
    return merged({"timing": timing} if timing else {}, assigned(settings))


def _told(schedule: Schedule | None, verb: str, *, as_json: bool) -> None:
    if schedule is None:
        return note("Nothing was changed.")
    sentence = f"{verb} schedule {schedule.id}, {schedule.name}: {schedule.timing_text}."
    return tell(schedule, sentence, as_json=as_json)


def _json(option: str, text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError as why:
        raise click.BadParameter(f"is not JSON: {why}.", param_hint=option) from None


def _row(schedule: Schedule) -> tuple[object, ...]:
    s = schedule
    return s.id, s.state, s.next_run_at, s.last_run_at, s.task, s.timing_text, s.name
