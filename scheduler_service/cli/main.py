"""The command line. Each command reads the settings, calls one function and turns a failure into a sentence."""

import json
import sys
from importlib import import_module
from typing import Any

import click

from scheduler_service.cli.configuration import database_url, read_settings
from scheduler_service.cli.processes import POOLS, QUEUES, run_api, run_beat, run_worker
from scheduler_service.errors import ServiceError

#: Groups of commands: modules of this room, loaded when they are asked for.
GROUPS = ("schedules", "runs", "keys", "migrate")


class Commands(click.Group):
    """A group whose intended failures are one sentence on stderr and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *GROUPS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in GROUPS:
            found: click.Command = getattr(import_module(f"scheduler_service.cli.{cmd_name}"), cmd_name)
            return found
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ServiceError as why:
            raise click.ClickException(str(why)) from why


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="scheduler-service")
def main() -> None:
    """A schedule service on Celery. Settings are environment variables that start with SCHEDULER_."""


@main.command()
def up() -> None:
    """Run everything here, in the foreground: broker, API, Beat and three workers."""
    from scheduler_service.cli.up import run_up

    run_up(read_settings())


@main.command()
def api() -> None:
    """Run the REST API and the console."""
    run_api(read_settings())


@main.command()
def beat() -> None:
    """Run a Beat; any number may run at once."""
    run_beat(read_settings())


@main.command()
@click.option("--name", type=click.Choice(list(QUEUES)), default="default", show_default=True, help="Which worker.")
@click.option("--queues", help="Queues to serve, comma-separated.  [default: those of its name]")
@click.option("--concurrency", type=click.IntRange(min=1), help="Processes.  [default: SCHEDULER_CONCURRENCY]")
@click.option("--pool", type=click.Choice(POOLS), default="prefork", show_default=True, help="How tasks are run.")
def worker(name: str, queues: str | None, concurrency: int | None, pool: str) -> None:
    """Run a worker: `default`, `heavy`, or `backup`, which serves the queues of both."""
    chosen = tuple(queue.strip() for queue in (queues or "").split(",") if queue.strip())
    sys.exit(run_worker(read_settings(), name=name, queues=chosen, concurrency=concurrency, pool=pool))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(as_json: bool) -> None:
    """Look the running service over: exit code 0 when nothing is wrong, 1 when something is, 2 when it cannot look."""
    from scheduler_service.cli.doctor import run_doctor

    try:
        sys.exit(run_doctor(read_settings(), as_json=as_json))
    except ServiceError as why:
        click.echo(json.dumps({"error": str(why)}) if as_json else f"It could not look: {why}", err=not as_json)
        sys.exit(2)


@main.group()
def db() -> None:
    """The database's tables."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this version; safe to repeat, and to run from several places at once."""
    from scheduler_service.storage import migrating

    migrating.upgrade(database_url(read_settings()))
    click.echo("The database is at this version.")


@db.command("check")
def db_check() -> None:
    """Tell whether the database is at this version."""
    from scheduler_service.storage import migrating

    migrating.check(database_url(read_settings()))
    click.echo("The database is at this version.")


@db.command("downgrade")
@click.argument("revision")
def db_downgrade(revision: str) -> None:
    """Take the database back to REVISION (`base`: to nothing, with everything in it)."""
    from scheduler_service.storage import migrating

    migrating.downgrade(database_url(read_settings()), revision)
    click.echo(f"The database is at {revision}.")
