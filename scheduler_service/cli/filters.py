"""The options that choose schedules, alike for every command that takes several."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from scheduler_service.cli.drafts import assigned

KINDS = ("collect", "etl", "report", "other")
STATES = ("active", "paused", "completed", "quarantined")
OPTIONS = (
    click.option("--kind", type=click.Choice(KINDS), help="Of this kind."),
    click.option("--state", type=click.Choice(STATES), help="In this state."),
    click.option("--task", help="Of this task."),
    click.option("--tag", multiple=True, help="With this tag; several: with all of them."),
    click.option("--queue", help="Sent to this queue."),
    click.option("--q", metavar="WORDS", help="With these words in name, task, description or tags."),
    click.option("--where", multiple=True, metavar="FILTER=VALUE", help="Any other filter of the API's list."),
)
NAMES = ("kind", "state", "task", "tag", "queue", "q")


def filters(command: Callable[..., None]) -> Callable[..., None]:
    """The command with these options; it gets them in `where`, as the API takes them."""

    @wraps(command)
    def filtered(**kwargs: Any) -> None:
        given = {name: kwargs.pop(name) for name in NAMES}
        others = assigned(kwargs.pop("where"))
        where = {name: list(value) if name == "tag" else value for name, value in given.items() if value} | others
        command(where=where, **kwargs)

    for option in reversed(OPTIONS):
        filtered = option(filtered)
    return filtered
