"""Which jobs a step of the road is about, and where they are kept: what the `migrate` commands share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click

from scheduler_service.cli.configuration import database_url, read_settings
from scheduler_service.errors import CannotStart

INCOMPLETE = 1
INSTANT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z"])


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


@contextmanager
def opened() -> Iterator[Any]:
    """The service's database. Raises: CannotStart, where there is none, or one of another version."""
    from scheduler_service.storage import migrating
    from scheduler_service.storage.session import Database

    settings = read_settings()
    folder = settings.data_dir.absolute()
    if settings.database_url is None and not (folder / "scheduler.db").is_file():
        raise CannotStart(
            f"No service keeps its database in {folder}: set SCHEDULER_DATA_DIR, or SCHEDULER_DATABASE_URL, "
            "as it is set for the service."
        )
    url = database_url(settings)
    migrating.check(url)
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def chosen_moves(database: Any, source: Any, wanted: Any, *, whole: bool = False) -> Any:
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
