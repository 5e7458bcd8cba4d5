"""`scheduler-service keys …`, the real commands against a real API."""

from uuid import uuid4

import pytest

from tests.cli.commands import Commands


@pytest.fixture
def name() -> str:
    return f"ci {uuid4().hex[:8]}"


def test_a_key_is_printed_once_and_opens_what_its_role_may(commands: Commands, name: str) -> None:
    made = commands.run("keys", "create", name, "--role", "viewer")
    (key,) = made.stdout.split()

    viewer = commands.as_holder_of(key)
    assert viewer.run("schedules", "list").exit_code == 0
    refused = viewer.run("schedules", "create", "--every", "1m", "--set", "name=x", "--set", "task=t")
    assert refused.exit_code == 1
    assert key not in made.stderr + refused.output + commands.told("keys", "list")


def test_the_list_tells_who_has_keys(commands: Commands, name: str) -> None:
    made = commands.data("keys", "create", name, "--role", "operator", "--expires", "2100-01-01T00:00:00Z")

    row = next(row for row in commands.told("keys", "list").splitlines() if name in row)

    assert all(word in row for word in ("operator", made["prefix"], "2100-01-01"))
    assert "key" not in next(key for key in commands.data("keys", "list") if key["name"] == name)


def test_revoking_asks_and_takes_a_name_or_an_id(commands: Commands, name: str) -> None:
    first = commands.data("keys", "create", name, "--role", "viewer")

    assert commands.run("keys", "revoke", name, typed="n\n").exit_code == 1
    assert commands.as_holder_of(first["key"]).run("schedules", "list").exit_code == 0
    assert commands.run("keys", "revoke", name, typed="y\n").exit_code == 0
    assert commands.as_holder_of(first["key"]).run("schedules", "list").exit_code == 1
    second = commands.data("keys", "create", f"{name} again", "--role", "viewer")
    assert commands.run("keys", "revoke", str(second["id"]), "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["revoke", "nobody", "--yes"], 3, id="no such key"),
        pytest.param(["create", "x"], 2, id="no role"),
        pytest.param(["create", "x", "--role", "king"], 2, id="no such role"),
        pytest.param(["create", "x", "--role", "viewer", "--expires", "soon"], 2, id="no instant"),
        pytest.param(["create", "x", "--role", "viewer", "--expires", "2100-01-01"], 2, id="no offset"),
        pytest.param(["create", "x", "--role", "viewer", "--expires", "2001-01-01T00:00:00Z"], 1, id="it has passed"),
    ],
)
def test_exit_codes(commands: Commands, words: list[str], code: int) -> None:
    assert commands.run("keys", *words).exit_code == code
