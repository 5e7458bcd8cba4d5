"""Commands that speak to a running service: where it is, with which key, and what each failure's exit code is."""

from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import click
from click.shell_completion import CompletionItem

from scheduler_service.cli.admin_key import with_kept_key
from scheduler_service.cli.configuration import read_settings
from scheduler_service.client import ApiError, Client, ClientError, Conflict, NotFound, Unreachable
from scheduler_service.errors import CannotStart, ServiceError

REFUSED, NOT_FOUND, CONFLICT, UNREACHABLE = 1, 3, 4, 5
EXIT_CODES: tuple[tuple[type[ClientError], int], ...] = (
    (NotFound, NOT_FOUND),
    (Conflict, CONFLICT),
    (Unreachable, UNREACHABLE),
    (ClientError, REFUSED),
)
PATIENCE = 3.0  # seconds; a person waits
COMPLETED, COMPLETED_WITHIN = 50, 1.0  # how many names after a TAB, and within how many seconds


class Failure(click.ClickException):
    """What the service or the way to it said, with the exit code for it."""

    def __init__(self, why: ClientError) -> None:
        super().__init__(in_words(why))
        self.why = why

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return next(code for kind, code in EXIT_CODES if isinstance(self.why, kind))


class RemoteCommands(click.Group):
    """A group whose commands speak to the service: what it refuses is told on stderr."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ClientError as why:
            raise Failure(why) from why


def in_words(why: ClientError) -> str:
    """The sentence of a failure, and a line for each field that is wrong."""
    if not isinstance(why, ApiError) or not why.fields:
        return str(why)
    lines = [f"  {wrong.field}: {wrong.reason}{_such_as(wrong.example)}" for wrong in why.fields]
    return "\n".join([f"The service refused it ({why.code}).", *lines])


as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")
yes = click.option("--yes", is_flag=True, help="Do not ask.")


def remote(command: Callable[..., None]) -> Callable[..., None]:
    """A command that is given a client, and has the options that say of what."""

    @click.option("--url", envvar="SCHEDULER_URL", help="Where the service is.  [default: SCHEDULER_URL, else here]")
    @click.option("--key", envvar="SCHEDULER_KEY", help="Its key.  [default: SCHEDULER_KEY, else that of a local `up`]")
    @wraps(command)
    def connected(*, url: str | None, key: str | None, **kwargs: Any) -> None:
        with Client(*place(url, key), patience=PATIENCE) as client:
            command(client, **kwargs)

    return connected


def place(url: str | None, key: str | None) -> tuple[str, str]:
    """The URL and the key: those given, else those of an `up` on this machine. Raises: CannotStart."""
    if url and key:
        return url, key
    if url and not _is_here(url):
        raise CannotStart("No key is given: set SCHEDULER_KEY. The key of the data directory is not sent elsewhere.")
    settings = with_kept_key(read_settings())
    kept = settings.admin_key
    if not key and kept is None:
        raise CannotStart(
            f"No key is given, and {settings.data_dir.absolute()} has none: set SCHEDULER_KEY, "
            "or SCHEDULER_DATA_DIR to where `up` runs."
        )
    return url or settings.self_url, key or (kept.get_secret_value() if kept else "")


def schedule_names(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names that go on as typed; none when they do not come at once."""
    words = {"q": incomplete} if incomplete else {}
    try:
        where = place(ctx.params.get("url"), ctx.params.get("key"))
        with Client(*where, timeout=COMPLETED_WITHIN, patience=0) as client:
            found = client.schedules.page(limit=COMPLETED, **words).items
    except (ClientError, ServiceError):
        return []
    return [CompletionItem(one.name, help=one.task) for one in found if one.name.startswith(incomplete)]


def _is_here(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _such_as(example: str | None) -> str:
    return f" (such as {example})" if example else ""
