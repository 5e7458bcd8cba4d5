"""`migrate plan` and `migrate apply`: what the jobs of another scheduler become, and making it so."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC
from functools import wraps
from pathlib import Path
from typing import Any

import click

from scheduler_service.cli.migrate_jobs import INCOMPLETE, opened
from scheduler_service.cli.tables import BAD, GOOD, MIDDLING, note, show_json, show_lines, show_table

_NAMED = 5  # jobs of which the same is to be told
_STYLES = {"ready": GOOD, "differs": MIDDLING, "to map": MIDDLING, "not kept": BAD}


def sourced(command: Callable[..., None]) -> Callable[..., None]:
    """A command that is given an open source and the mapping, and has the options that say which."""

    @click.argument("source", envvar="SCHEDULER_MIGRATE_SOURCE")
    @click.option("--mapping", type=click.Path(dir_okay=False, path_type=Path), help="What each function becomes.")
    @click.option("--trust-pickle", is_flag=True, help="Open pickles of this store, in a process that can do nothing.")
    @click.option("--timezone", help="Of a source that does not say its own.")
    @click.option("--library-path", type=click.Path(file_okay=False, path_type=Path), help="Where APScheduler 4 is.")
    @wraps(command)
    def opened(*, source: str, mapping: Path | None, trust_pickle: bool, **kwargs: Any) -> None:
        from scheduler_service.moving import mapping as mappings
        from scheduler_service.moving.sources.opening import open_source

        read = mappings.Mapping()
        if mapping is not None and mapping.is_file():
            read = mappings.read(mapping.read_text(encoding="utf-8"), file=str(mapping))
        where = {name: kwargs.pop(name) for name in ("timezone", "library_path")}
        found = open_source(source, trust_pickle=trust_pickle, allow=read.allow, **where)
        command(found, read, **kwargs)

    return opened


@click.command("plan")
@sourced
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write a page with every instant.")
def plan(source: Any, mapping: Any, as_json: bool, html: Path | None) -> None:
    """Tell what every job of SOURCE becomes, what it loses, and that it comes at the same instants.

    Nothing is changed anywhere. A mapping file that is not there yet is drafted, to be completed by a person.
    """
    from scheduler_service.moving import mapping as mappings
    from scheduler_service.moving.plan_documents import document_of_plan, page_of_plan

    made = _planned(source, mapping)
    mapping_file: Path | None = click.get_current_context().params["mapping"]
    if mapping_file is not None and not mapping_file.exists():
        jobs = [planned.job for planned in made.jobs]
        mapping_file.write_text(mappings.draft(jobs, source=made.source), encoding="utf-8")
        note(f"A mapping was drafted in {mapping_file}: complete it, and plan again.")
    if html is not None:
        html.write_text(page_of_plan(made), encoding="utf-8")
        note(f"Written to {html}.")
    if as_json:
        show_json(document_of_plan(made))
    else:
        _show(made)


@click.command("apply")
@sourced
@click.option("--live", is_flag=True, help="Not as shadows: they run at once, beside the old scheduler.")
@click.option("--allow-unknown-task", is_flag=True, help="Take tasks that no worker has made known.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be made.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def apply(source: Any, mapping: Any, yes: bool, as_json: bool, **wish: bool) -> None:
    """Make schedules of the jobs of SOURCE: as shadows, which decide and record their runs and send nothing.

    To be repeated as often as wanted: it makes what is not there, and overwrites nobody's edits.
    """
    from scheduler_service.moving.applying import Wish

    wished = Wish(**wish)
    made = _planned(source, mapping)
    with opened() as database:
        if not (wished.dry_run or yes):
            _ask(made, wished)
        outcomes = _applied(database, made, wished)
    if as_json:
        show_json([asdict(outcome) for outcome in outcomes])
    else:
        show_table(("JOB", "BECAME", "WHY"), [(it.name, it.became, it.why or None) for it in outcomes])
        _sum_up(outcomes, dry_run=wished.dry_run)
    if any(outcome.became == "refused" for outcome in outcomes):
        sys.exit(INCOMPLETE)


def _planned(source: Any, mapping: Any) -> Any:
    from scheduler_service.moving import planning
    from scheduler_service.timing.clock import SystemClock

    return planning.plan(source, mapping, now=SystemClock().now())


def _applied(database: Any, made: Any, wished: Any) -> Any:
    from scheduler_service.moving import applying

    with database.transaction() as session:
        return applying.apply(session, made, wished, now=database.clock.now())


def _ask(made: Any, wished: Any) -> None:
    many = sum(made.counts.get(standing, 0) for standing in ("ready", "differs"))
    if wished.live:
        note("They will run here at once. The old scheduler runs them too, until it is stopped: each job twice.")
    click.confirm(
        f"Make {many} {'live' if wished.live else 'shadow'} schedules of {made.source}?", abort=True, err=True
    )


def _sum_up(outcomes: Any, *, dry_run: bool) -> None:
    became = [outcome.became for outcome in outcomes]
    counts = ", ".join(f"{became.count(word)} {word}" for word in dict.fromkeys(became))
    note(f"{'It would be: ' if dry_run else ''}{counts or 'The source holds no job'}.")


def _show(made: Any) -> None:
    """The plan for a person: a line a job, then what is to be told of each."""
    from scheduler_service.moving.trigger_words import in_words

    rows = [
        (one.name, in_words(one.job.trigger), one.becomes or None, _proof(one.proof), one.standing) for one in made.jobs
    ]
    show_table(("JOB", "IS NOW", "BECOMES", "INSTANTS", "STANDING"), rows)
    for one in made.jobs:
        lines = _told(one)
        if lines:
            show_lines([("", ""), (f"{one.name} ({one.standing})", _STYLES.get(one.standing, "")), *lines])
    _show_notes(made)
    counts = ", ".join(f"{count} {standing}" for standing, count in made.counts.items())
    show_lines([("", ""), (f"{counts or 'No job'}, of {made.source}.", "")])


def _show_notes(made: Any) -> None:
    """What is the same for many is told once."""
    names: dict[str, list[str]] = {}
    for one in made.jobs:
        for told in one.translation.notes:
            names.setdefault(f"{told.text} {told.remedy}".rstrip(), []).append(one.name)
    for text, those in names.items():
        few = ", ".join(those[:_NAMED]) + (f", and {len(those) - _NAMED} more" if len(those) > _NAMED else "")
        show_lines([("", ""), (f"To know of {few}:", ""), (f"  {text}", "")])


def _told(one: Any) -> list[tuple[str, str]]:
    wanted = one.translation.wanted
    lines = [(f"  The mapping has to give its {', '.join(wanted)}.", MIDDLING)] if wanted else []
    lines += [(f"  {told.text} {told.remedy}".rstrip(), MIDDLING) for told in one.translation.losses]
    if one.proof is not None and one.proof.why_not:
        lines.append((f"  Its instants were not compared: {one.proof.why_not}", MIDDLING))
    for row in one.proof.differences if one.proof is not None else ():
        old, new = (at and f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z" for at in (row.old, row.new))
        lines.append((f"  {row.reason}: {old or 'not'} before, {new or 'not'} here", MIDDLING))
    return lines


def _proof(proof: Any) -> str | None:
    if proof is None:
        return None
    if proof.why_not:
        return "not compared"
    if proof.is_equal:
        return f"{len(proof.rows)} equal"
    unexplained = sum(row.reason == "unexplained" for row in proof.rows)
    return f"{unexplained} unexplained" if unexplained else f"{len(proof.differences)} explained"
