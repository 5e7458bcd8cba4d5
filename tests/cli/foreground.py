"""`up` as a person runs it: a process in the foreground, and what is on its screen."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil

from tests.support.ports import free_port
from tests.support.waiting import eventually

PROCESSES = ("valkey", "api", "beat", "worker-default", "worker-heavy", "worker-backup")
UP_WITHIN = 30.0


def environment(**settings: object) -> dict[str, str]:
    """This process's, with these settings and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("SCHEDULER_")}
    return {**others, **{f"SCHEDULER_{name.upper()}": str(value) for name, value in settings.items()}}


def command(*words: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "scheduler_service.cli", *words],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


class Foreground:
    """One `up` on a data directory."""

    def __init__(self, data_dir: Path, **settings: object) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._screen = data_dir.parent / f"{data_dir.name}-{self.port}.log"
        with self._screen.open("wb") as screen:
            self.process = psutil.Popen(
                [sys.executable, "-m", "scheduler_service.cli", "up"],
                env=environment(data_dir=data_dir, api_port=self.port, concurrency=1, **settings),
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def screen(self) -> str:
        return self._screen.read_text()

    @property
    def key(self) -> str:
        """As it is shown to a person."""
        shown = re.search(r"Admin key +(\S+)", self.screen)
        assert shown, self.screen
        return shown[1]

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {self.key}"})

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.screen
        return "is up." in self.screen

    def wait(self) -> "Foreground":
        eventually(self.is_up, within=UP_WITHIN)
        eventually(lambda: set(self.children()) == set(PROCESSES), within=10)
        return self

    def is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=1).status_code == 200
        except httpx.TransportError:
            return False

    def children(self) -> dict[str, psutil.Process]:
        """The processes that it supervises, by name."""
        named = {}
        for child in self.process.children():
            try:
                words = child.cmdline()
            except psutil.NoSuchProcess:
                continue
            if "scheduler_service.cli" in words:
                at = words.index("scheduler_service.cli") + 1
                named["-".join([words[at], *words[at + 2 :]])] = child
            elif words and "valkey-server" in words[0]:
                named["valkey"] = child
        return named

    def family(self) -> list[psutil.Process]:
        """All below it."""
        family: list[psutil.Process] = self.process.children(recursive=True)
        return family

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal and wait; its exit code."""
        self.process.send_signal(number)
        code: int = self.process.wait(timeout=15)
        return code

    def clean_up(self) -> None:
        """Whatever a failed test left."""
        if self.process.poll() is None:
            family = self.family()
            self.process.kill()
            self.process.wait()
            for child in filter(is_alive, family):
                child.kill()


def is_alive(process: psutil.Process) -> bool:
    """Whether it still does something; a zombie that nobody has taken note of does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
