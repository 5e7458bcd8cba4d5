"""How programs are kept and ended, with small ones of our own: stubborn, short-lived, or with children."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import psutil
import pytest

from scheduler_service.cli import supervisor
from scheduler_service.cli.interrupts import Interrupts
from scheduler_service.cli.output import Output
from scheduler_service.cli.supervisor import Child, Program, Supervisor
from tests.cli.foreground import eventually, is_alive

BUSY = "import time; time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); {BUSY}"
PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); " + STUBBORN


class Stage:
    """A supervisor with its screen."""

    def __init__(self, interrupts: Interrupts) -> None:
        self.stream = StringIO()
        self.output = Output(self.stream, [], colour=False)
        self.interrupts = interrupts
        self.supervisor = Supervisor(self.output, interrupts)

    @property
    def screen(self) -> str:
        return self.stream.getvalue()

    def start(self, code: str, *, name: str = "program", serves_others: bool = False) -> Child:
        command = [sys.executable, "-c", code]
        program = Program(name, command, os.environ, hurry=signal.SIGQUIT, serves_others=serves_others)
        return self.supervisor.start(program)

    def started(self, code: str, **options: object) -> psutil.Process:
        before = set(psutil.Process().children())
        self.start(code, **options)  # type: ignore[arg-type]
        (process,) = set(psutil.Process().children()) - before
        return process


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """With a tenth of the patience."""
    for name in ("HURRY_AFTER",):
        monkeypatch.setattr(supervisor, name, getattr(supervisor, name))
    with Interrupts() as interrupts:
        interrupts.defer()
        stage = Stage(interrupts)
        yield stage
        stage.interrupts.count = 2
        stage.supervisor.stop()
        stage.output.close()
