"""`keys`: who may call, and what they may do."""

from datetime import datetime

import click

from scheduler_service.cli.remote import RemoteCommands, as_json, remote, yes
from scheduler_service.cli.tables import note, show_json, show_lines, show_table
from scheduler_service.client import Client, NotFound
from scheduler_service.client.documents import Key


class Instant(click.ParamType[datetime]):
    """RFC 3339, with an offset."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no instant such as 2030-01-01T00:00:00Z.", param, ctx)
        if at.tzinfo is None:
            self.fail(f"{value!r} has no offset from UTC, as in 2030-01-01T00:00:00Z.", param, ctx)
        return at


@click.group(cls=RemoteCommands)
def keys() -> None:
    """API keys: who may call, and what they may do."""


@keys.command("list")
@as_json
@remote
def list_keys(client: Client, as_json: bool) -> None:
    """List keys; their secrets are not kept anywhere."""
    found = list(client.keys.each())
    if as_json:
        return show_json([key.as_json() for key in found])
    headings = ("ID", "ROLE", "PREFIX", "LAST USED", "EXPIRES", "REVOKED", "NAME")
    rows = ((k.id, k.role, k.prefix, k.last_used_at, k.expires_at, k.revoked_at, k.name) for k in found)
    show_table(headings, rows, spare=("PREFIX", "LAST USED"))
    return None


@keys.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "operator", "admin"]), required=True, help="What it may do.")
@click.option("--expires", type=Instant(), help="When it ends, such as 2030-01-01T00:00:00Z.")
@as_json
@remote
def create(client: Client, name: str, role: str, expires: datetime | None, as_json: bool) -> None:
    """Make a key; it is printed once, and never shown again."""
    made = client.keys.create(name, role, expires_at=expires)  # type: ignore[arg-type]
    if as_json:
        return show_json(made.as_json())
    note(f"Key {made.id}, {made.name}, role {made.role}. Keep it now: it is not shown again.")
    show_lines([(made.key, "")])
    return None


@keys.command("revoke")
@click.argument("which", metavar="NAME-OR-ID")
@yes
@remote
def revoke(client: Client, which: str, yes: bool) -> None:
    """Let a key open nothing from now on."""
    found = _find(client, which)
    if not yes:
        click.confirm(f"Revoke the key {found.name} ({found.role})?", abort=True, err=True)
    client.keys.revoke(found.id)
    show_lines([(f"Revoked key {found.id}, {found.name}.", "")])


def _find(client: Client, name_or_id: str) -> Key:
    """By id, or by name among those that still open something. Raises: NotFound."""
    for key in client.keys.each():
        if str(key.id) == name_or_id or (key.name == name_or_id and key.revoked_at is None):
            return key
    raise NotFound(404, "key_not_found", f"No key has the name or id {name_or_id!r}.")
