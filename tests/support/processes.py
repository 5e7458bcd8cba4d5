"""Real processes: Beats and workers of the service, and of the sample app."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.waiting import eventually

ROOT = Path(__file__).parent.parent.parent
SAMPLE = "tests.support.sample_app"
CELERY = "tests.support.celery_command"
SERVICE = "tests.support.service_command"


class Process:
    """A child process with its log in a file."""

    def __init__(self, command: list[str], env: Mapping[str, str], log: Path) -> None:
        self.log_path = log
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **env}, stdout=out, stderr=out, start_new_session=True
            )
        self.pid = self._popen.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def wait_for(self, text: str, *, within: float = 20) -> None:
        eventually(lambda: text in self.log or not self.alive, within=within)
        assert text in self.log, self.log

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        """SIGKILL the process alone; its children die by themselves."""
        self._popen.kill()
        self._popen.wait(10)

    def stop(self, within: float = 15) -> int:
        """End it in order, or with everything that it started when it does not; its exit code."""
        if self.alive:
            self._popen.terminate()
            try:
                self._popen.wait(within)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self._popen.wait(10)
        return self._popen.returncode


class Site:
    """A database and a broker, and the processes that a test starts between them."""

    def __init__(self, database_url: str, broker_url: str, logs: Path) -> None:
        self.env = {
            "SCHEDULER_DATABASE_URL": database_url,
            "SCHEDULER_BROKER_URL": broker_url,
            "SAMPLE_BROKER": broker_url,
            "SCHEDULER_DATA_DIR": str(logs / "data"),
        }
        self._logs = logs
        self._processes: list[Process] = []

    def beat(self, *, app: str = SAMPLE, scheduler: str = "scheduler_service", **env: str) -> Process:
        """A Beat of the sample app, as anyone would start it."""
        started = self._start("beat", [CELERY, "-A", app, "beat", "-S", scheduler, "-l", "INFO"], env)
        started.wait_for("beat: Starting...")
        return started

    def worker(self, *options: str, name: str = "w1", **env: str) -> Process:
        """A worker of the sample app that is ready."""
        command = [CELERY, "-A", SAMPLE, "worker", "-n", f"{name}@%h", "-l", "INFO", *options]
        started = self._start(f"worker-{name}", command, env)
        started.wait_for(" ready.")
        return started

    def service(self, *words: str, **env: str) -> Process:
        """A process of the service itself: `api`, `beat`, `worker …`."""
        return self._start("-".join(words), [SERVICE, *words], env)

    def program(self, name: str, *module: str, **env: str) -> Process:
        """Any other program of Python's, by its module."""
        return self._start(name, list(module), env)

    def examine(self, *, but: Collection[str] = (), within: float = 30) -> None:
        """Have the doctor look everything over: it finds exactly the kinds of trouble that are named, or none."""
        told: list[dict[str, Any]] = []

        def only_that() -> bool:
            told[:] = self._findings()
            return {finding["code"] for finding in told} == set(but)

        try:
            eventually(only_that, within=within, every=1)
        except AssertionError:
            raise AssertionError(f"the doctor found {json.dumps(told, indent=2)}") from None

    def _findings(self) -> list[dict[str, Any]]:
        command, env = [sys.executable, "-m", SERVICE, "doctor", "--json"], {**os.environ, **self.env}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)
        told = json.loads(done.stdout)
        findings: list[dict[str, Any]] = told.get("findings", [{"code": "error", **told}])
        return findings

    def close(self) -> None:
        for process in self._processes:
            if process.alive:
                process.signal(signal.SIGTERM)
        for process in self._processes:
            process.stop()

    def _start(self, name: str, module: list[str], env: Mapping[str, str]) -> Process:
        log = self._logs / f"{len(self._processes)}-{name}.log"
        process = Process([sys.executable, "-m", *module], {**self.env, **env}, log)
        self._processes.append(process)
        return process


@contextmanager
def site(database_url: str, broker_url: str, logs: Path) -> Iterator[Site]:
    opened = Site(database_url, broker_url, logs)
    try:
        yield opened
    finally:
        opened.close()
