"""How programs are kept and ended, with small ones of our own: stubborn, short-lived, or with children."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from io import StringIO

import psutil
import pytest

from scheduler_service.cli.interrupts import Interrupts
from scheduler_service.cli.output import Output
from scheduler_service.cli.supervisor import Patience, Program, Supervisor
from tests.cli.foreground import is_alive
from tests.support.waiting import eventually

BUSY = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {BUSY}"
DEAF = f"import signal; signal.signal(signal.SIGQUIT, signal.SIG_IGN); {STUBBORN}"
WITH_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); {DEAF}"


class Stage:
    """A supervisor in a hurry, with its screen."""

    def __init__(self, interrupts: Interrupts) -> None:
        self.interrupts = interrupts
        self._stream = StringIO()
        self._output = Output(self._stream, [], colour=False)
        patience = Patience(hurry_after=0.5, kill_after=1.0, first_pause=0.1, longest_pause=0.4)
        self.supervisor = Supervisor(self._output, interrupts, patience=patience)

    @property
    def screen(self) -> str:
        return self._stream.getvalue()

    def start(self, code: str, *, name: str = "program", serves_others: bool = False) -> psutil.Process:
        """Run Python code, until it says that it is ready."""
        before, ready = set(psutil.Process().children()), self.screen.count("ready")
        command = [sys.executable, "-c", code]
        self.supervisor.start(
            Program(name, command, os.environ, hurry=signal.SIGQUIT, serves_others=serves_others),
        )
        eventually(lambda: self.screen.count("ready") > ready, within=10)
        (process,) = set(psutil.Process().children()) - before
        return process

    def watch(self, *, until: str, times: int = 1) -> None:
        """Keep all running until the screen shows something so often."""

        def look() -> float:
            if self.screen.count(until) >= times:
                signal.raise_signal(signal.SIGTERM)
            return 0.05

        self.supervisor.watch(each_look=look)

    def stop(self) -> None:
        """End all; what was said on the way is on the screen then."""
        self.supervisor.stop()
        self._output.close()

    def close(self) -> None:
        self.interrupts.count = 2
        self.stop()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Interrupts() as interrupts:
        interrupts.defer()
        stage = Stage(interrupts)
        yield stage
        stage.close()


def test_what_ends_when_asked_is_only_asked(stage: Stage) -> None:
    process = stage.start(BUSY)

    stage.stop()

    assert not is_alive(process)
    assert stage.screen == "program | ready\n"


def test_what_is_still_busy_is_told_to_hurry(stage: Stage) -> None:
    process = stage.start(STUBBORN)

    stage.stop()

    assert not is_alive(process)
    assert "program is still busy" in stage.screen
    assert "is killed" not in stage.screen


def test_what_does_not_end_is_killed_with_all_its_children(stage: Stage) -> None:
    process = stage.start(WITH_CHILD)
    family = [process, *process.children()]

    stage.stop()

    assert len(family) == 2
    eventually(lambda: not any(map(is_alive, family)), within=10)
    assert "program has not ended; it is killed" in stage.screen


def test_who_serves_the_others_ends_after_them(stage: Stage) -> None:
    trapped = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('ended', flush=True)));"
    stage.start(f"{trapped} {BUSY}", name="server", serves_others=True)
    stage.start(STUBBORN, name="client")

    stage.stop()

    eventually(lambda: "server | ended" in stage.screen, within=10)
    assert stage.screen.index("client is still busy") < stage.screen.index("server | ended")


def test_a_second_signal_kills_at_once(stage: Stage) -> None:
    process = stage.start(DEAF)
    stage.interrupts.count = 2

    began = time.monotonic()
    stage.supervisor.stop()

    assert time.monotonic() - began < 0.4
    assert not is_alive(process)
    stage.stop()
    assert "is still busy" not in stage.screen
    assert "program has not ended; it is killed" in stage.screen


def test_what_dies_is_started_again_ever_more_slowly(stage: Stage) -> None:
    stage.start("print('ready')")

    stage.watch(until="starting it again", times=4)

    pauses = [line.split("again in ")[1] for line in stage.screen.splitlines() if "again in" in line]
    assert pauses == ["0.1 s", "0.2 s", "0.4 s", "0.4 s"]


def test_what_a_dead_one_left_behind_is_killed_before_it_is_started_again(stage: Stage) -> None:
    process = stage.start(WITH_CHILD)
    (child,) = process.children()
    process.kill()

    stage.watch(until="ready", times=2)

    assert "program ended (SIGKILL); starting it again in 0.1 s" in stage.screen
    eventually(lambda: not is_alive(child), within=10)


def test_what_cannot_be_started_is_tried_again(stage: Stage) -> None:
    stage.supervisor.start(Program("program", ["/does/not/exist"], os.environ))

    stage.watch(until="could not be started", times=2)

    assert "program could not be started (No such file or directory); starting it again in 0.1 s" in stage.screen
