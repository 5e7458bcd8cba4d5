"""`scheduler-service runs …`, the real commands against a real API."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.cli.commands import SCRIPT, Commands
from tests.support.waiting import eventually


@pytest.fixture
def run(commands: Commands) -> dict[str, Any]:
    """One of a schedule of its own, which nobody executes."""
    name = f"orders {uuid4().hex[:8]}"
    commands.given_schedule(name)
    made: dict[str, Any] = commands.data("schedules", "trigger", name)
    return made


def becomes(commands: Commands, run: dict[str, Any], state: str, **fields: object) -> None:
    """What a worker would record."""
    columns = {"state": state, "finished_at": "2030-01-01 00:00:00.000000", **fields}
    assignments = ", ".join(f"{name} = ?" for name in columns)
    commands.sql(f"UPDATE task_run SET {assignments} WHERE id = ?", *columns.values(), UUID(run["id"]).hex)


class Tail:
    """`runs tail`, as a process of its own whose lines are read."""

    def __init__(self, commands: Commands, log: Path, words: tuple[str, ...]) -> None:
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [SCRIPT, "runs", "tail", *words], env={**os.environ, **commands.environment}, stdout=out, stderr=out
            )

    @property
    def lines(self) -> list[str]:
        return self._log.read_text().splitlines()

    def shows(self, *words: str) -> None:
        eventually(lambda: any(all(word in line for word in words) for line in self.lines), within=20)


@contextmanager
def tail(commands: Commands, log: Path, *words: str) -> Iterator[Tail]:
    started = Tail(commands, log, words)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait(10)


def test_a_list_for_people_and_one_for_programs(commands: Commands, run: dict[str, Any]) -> None:
    words = ("runs", "list", "--schedule", run["schedule_name"])

    head, row = commands.told(*words).splitlines()
    assert head.split() == ["ID", "STATE", "OCCURRENCE", "STARTED", "SECONDS", "ATTEMPT", "ORIGIN", "SCHEDULE"]
    assert row.split()[:2] == [run["id"], "pending"]
    assert [found["id"] for found in commands.data(*words)] == [run["id"]]
    assert commands.data(*words, "--state", "failed", "--state", "lost") == []
    assert len(commands.data(*words, "--origin", "manual", "--since", "2020-01-01T00:00:00Z")) == 1


def test_a_traceback_is_shown_and_steers_no_terminal(commands: Commands, run: dict[str, Any]) -> None:
    becomes(commands, run, "failed", error="\x1b[31mred", traceback="line 1\n  line 2\x07")

    shown = commands.told("runs", "show", run["id"])

    assert "line 1\n" in shown
    assert "  line 2\ufffd" in shown
    assert "\x1b" not in shown
    assert commands.data("runs", "show", run["id"])["error"] == "\x1b[31mred"


def test_cancel_and_retry(commands: Commands, run: dict[str, Any]) -> None:
    unfinished = commands.run("runs", "retry", run["id"])
    assert (unfinished.exit_code, unfinished.stdout) == (4, "")
    assert "is cancelled" in commands.told("runs", "cancel", run["id"])
    assert commands.run("runs", "cancel", run["id"]).exit_code == 4
    assert commands.data("runs", "retry", run["id"])["state"] == "pending"


@pytest.mark.parametrize("verb", ["show", "cancel", "retry"])
def test_what_is_not_there(commands: Commands, verb: str) -> None:
    assert commands.run("runs", verb, str(uuid4())).exit_code == 3


def test_tail_follows_until_ctrl_c(commands: Commands, run: dict[str, Any], tmp_path: Path) -> None:
    with tail(commands, tmp_path / "log") as following:
        following.shows("Following")
        commands.told("runs", "cancel", run["id"])
        following.shows("cancelled", run["schedule_name"], run["id"])
        following.process.send_signal(signal.SIGINT)

        assert following.process.wait(10) == 0


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1)])
def test_tail_until_finished_exits_as_the_run_does(
    commands: Commands, run: dict[str, Any], tmp_path: Path, state: str, code: int
) -> None:
    with tail(commands, tmp_path / "log", "--until-finished", run["id"], "--json") as following:
        following.shows('"state": "pending"')
        becomes(commands, run, state)

        assert following.process.wait(20) == code

    assert [json.loads(line)["state"] for line in following.lines] == ["pending", state]


def test_tail_of_a_finished_run_ends_at_once(commands: Commands, run: dict[str, Any]) -> None:
    becomes(commands, run, "succeeded")

    assert "succeeded" in commands.told("runs", "tail", "--until-finished", run["id"])


def test_tail_of_what_is_not_there(commands: Commands) -> None:
    assert commands.run("runs", "tail", "--until-finished", str(uuid4())).exit_code == 3
    assert commands.run("runs", "tail", "--schedule", "nobody").exit_code == 3
    assert commands.run("runs", "tail", "--schedule", "x", "--until-finished", "y").exit_code == 2


def test_a_task_is_run_once_later(commands: Commands) -> None:
    made = commands.data("runs", "create", "shop.collect", "--in", "2h", "--set", "args=[1]", "--set", "queue=heavy")
    told = commands.told("runs", "create", "shop.collect", "--at", "2090-01-01T09:00:00Z")

    assert (made["state"], made["args"], made["schedule_id"]) == ("pending", [1], 0)
    assert "is pending, to be sent at 2090-01-01 09:00:00Z." in told
    assert commands.run("runs", "create", "shop.collect", "--in", "soon").exit_code == 2
    assert commands.run("runs", "create", "shop.collect", "--in", "1h", "--at", "2090-01-01T09:00:00Z").exit_code == 2
