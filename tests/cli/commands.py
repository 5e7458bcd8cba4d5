"""Commands against a running API: the real ones, in this process; the API is a process of its own."""

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
from click.testing import CliRunner, Result

from scheduler_service.cli.main import main
from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.waiting import eventually

KEY = "a-key-of-sixteen-or-more"
SCRIPT = Path(sys.executable).parent / "scheduler-service"  # as a person calls it


class Commands:
    """Runs commands as somebody with a key; `data_dir` is where the API keeps its database."""

    def __init__(self, url: str, data_dir: Path, key: str = KEY) -> None:
        self.url, self.data_dir, self.key = url, data_dir, key

    @property
    def environment(self) -> dict[str, str]:
        return {"SCHEDULER_URL": self.url, "SCHEDULER_KEY": self.key}

    def run(self, *words: str, typed: str | None = None, **env: str | None) -> Result:
        """A command to its end; `typed` is what a person types, or what stdin holds."""
        others: dict[str, str | None] = {name: None for name in os.environ if name.startswith("SCHEDULER_")}
        result = CliRunner().invoke(main, words, input=typed, env={**others, **self.environment, **env})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def told(self, *words: str, typed: str | None = None) -> str:
        """What it printed; it went well."""
        result = self.run(*words, typed=typed)
        assert result.exit_code == 0, result.output
        return result.stdout

    def data(self, *words: str, typed: str | None = None) -> Any:
        """What it printed for programs; it went well."""
        return json.loads(self.told(*words, "--json", typed=typed))

    def as_holder_of(self, key: str) -> "Commands":
        return Commands(self.url, self.data_dir, key)

    def given_schedule(self, name: str, *settings: str) -> dict[str, Any]:
        """One that was made by a command."""
        words = [word for setting in (f"name={name}", "task=shop.collect", *settings) for word in ("--set", setting)]
        made: dict[str, Any] = self.data("schedules", "create", "--every", "30s", *words)
        return made

    def sql(self, statement: str, *values: object) -> None:
        """Do what a Beat or a worker would."""
        with closing(sqlite3.connect(self.data_dir / "scheduler.db", timeout=10)) as database, database:
            database.execute(statement, values)


@contextmanager
def api_process(template: Path, directory: Path) -> Iterator[Commands]:
    """An API on an empty database that was migrated before."""
    data_dir, port = directory / "var", free_port()
    data_dir.mkdir()
    shutil.copy(template, data_dir / "scheduler.db")
    env = {"SCHEDULER_DATA_DIR": str(data_dir), "SCHEDULER_ADMIN_KEY": KEY, "SCHEDULER_API_PORT": str(port)}
    process = Process([sys.executable, "-m", "scheduler_service.cli", "api"], env, directory / "api.log")
    commands = Commands(f"http://127.0.0.1:{port}", data_dir)
    try:
        eventually(lambda: _answers(commands.url, process), within=20)
        yield commands
    finally:
        process.stop()


def _answers(url: str, process: Process) -> bool:
    assert process.alive, process.log
    try:
        return httpx.get(f"{url}/healthz", timeout=1).status_code == 200
    except httpx.TransportError:
        return False
