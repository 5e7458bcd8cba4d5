"""`schedules export`, `diff` and `import`: schedules as a document that people keep in a repository."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import click

from scheduler_service.cli.filters import filters
from scheduler_service.cli.plans import diff_of, summary
from scheduler_service.cli.remote import as_json, remote, yes
from scheduler_service.cli.tables import note, show_json, show_lines, tell
from scheduler_service.client import Client
from scheduler_service.client.schedules import Format

DIFFERENT = 1
document = click.argument("file", type=click.File(encoding="utf-8"))
WISHES = (
    click.option("--prune", is_flag=True, help="Delete the schedules that the document does not name."),
    click.option("--tag", multiple=True, help="Of those, delete only what has this tag; several: all of them."),
    click.option("--allow-unknown-task", is_flag=True, help="Take tasks that no worker has made known."),
)


def wishes(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options that say how a document is taken."""
    for option in reversed(WISHES):
        command = option(command)
    return command


@click.command("export")
@filters
@click.option(
    "--format", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, help="Of the document."
)
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="A file.  [default: stdout]")
@remote
def export(client: Client, format: Format, output: Path | None, where: dict[str, Any]) -> None:
    """Write all schedules, or those chosen, as a document: without ids and state, in a fixed order."""
    text = client.schedules.export(format=format, **where)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        note(f"Written to {output}.")


@click.command("diff")
@document
@wishes
@click.option("--exit-code", is_flag=True, help="Exit with 1 when there are differences.")
@as_json
@remote
def diff(client: Client, file: TextIO, exit_code: bool, as_json: bool, **wish: Any) -> None:
    """Show what importing FILE (- for stdin) would change; nothing is changed."""
    plan = client.schedules.import_(file.read(), format=_format(file), dry_run=True, **wish)
    if as_json:
        show_json(plan.as_json())
    else:
        show_lines(diff_of(plan))
    if exit_code and not plan.changes_nothing:
        sys.exit(DIFFERENT)


@click.command("import")
@document
@wishes
@yes
@as_json
@remote
def import_(client: Client, file: TextIO, yes: bool, as_json: bool, **wish: Any) -> None:
    """Have the schedules be as FILE (- for stdin) says, by name, after showing what that changes."""
    if file is sys.stdin and not yes:
        raise click.UsageError("A document from stdin leaves nothing to ask on: give --yes.")
    text, format = file.read(), _format(file)
    if not yes:
        plan = client.schedules.import_(text, format=format, dry_run=True, **wish)
        for line, _ in diff_of(plan):
            note(line)
        if not plan.changes_nothing:
            click.confirm("Apply this?", abort=True, err=True)
    done = client.schedules.import_(text, format=format, **wish)
    tell(done, summary(done), as_json=as_json)


def _format(file: TextIO) -> Format:
    return "json" if file.name.endswith(".json") else "yaml"
