"""Keeps a handful of programs running, and ends them in order.

One thread, the main one, starts, watches and ends them. Each program leads a session of its own, so that Ctrl-C
reaches the supervisor alone and a whole family can be killed by its group. Celery's workers are the reason for the
steps at the end: SIGTERM finishes what runs, SIGQUIT hands it back to the queue, and the broker must outlive both.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from scheduler_service.cli.interrupts import Interrupts
from scheduler_service.cli.output import Output

LOOK_EVERY = 1.0  # seconds; SIGCHLD wakes us, this is for a missed one
KILLED_WITHIN = 0.3  # seconds the kernel may take over a killed process, whose port and locks are free only then


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds. Ending all takes less than ten."""

    hurry_after: float = 5.0
    kill_after: float = 8.0
    server_kill_after: float = 1.0
    first_pause: float = 0.5  # before a child that died is started again; doubled each time
    longest_pause: float = 10.0
    settled_after: float = 30.0  # a child that lived so long begins again with the first pause


@dataclass(frozen=True)
class Program:
    """What to run and how it wants to be ended. `hurry`: sent when it still works after a while."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    hurry: signal.Signals | None = None
    serves_others: bool = False


class Child:
    """A program as a process: alive, or to be started again at a known moment."""

    def __init__(self, program: Program, output: Output, patience: Patience) -> None:
        self.program = program
        self._patience = patience
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = patience.first_pause
        self._started = self._start_at = 0.0

    def start(self) -> None:
        """Run it. It may fail to start for want of memory or processes; that counts as having died."""
        self._started = time.monotonic()
        try:
            self._process = subprocess.Popen(
                self.program.command,
                env=dict(self.program.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as why:
            self._start_again_later(f"could not be started ({why.strerror})")
        else:
            assert self._process.stdout is not None
            self._output.follow(self.program.name, self._process.stdout)

    def reap(self) -> bool:
        """Whether it has ended; what it then left behind in its group is killed."""
        if self._process is not None and self._process.poll() is None:
            return False
        self._signal_group(signal.SIGKILL)
        return True

    def keep(self) -> None:
        """Start it again when it died and its pause is over."""
        if self._process is not None and self.reap():
            ending = _ending(self._process.returncode)
            self._process = None
            self._start_again_later(f"ended ({ending})")
        elif self._process is None and time.monotonic() >= self._start_at:
            self.start()

    def next_look(self) -> float:
        """Seconds until something may be due here."""
        return LOOK_EVERY if self._process is not None else self._start_at - time.monotonic()

    def terminate(self) -> None:
        """Ask it to end: its leader only, whose business its own children are."""
        self._signal(signal.SIGTERM)

    def hurry(self) -> None:
        if self.program.hurry is not None:
            self._output.say(f"{self.program.name} is still busy; it is told to hand its tasks back")
            self._signal(self.program.hurry)

    def kill(self) -> None:
        self._output.say(f"{self.program.name} has not ended; it is killed")
        self._signal_group(signal.SIGKILL)

    def _start_again_later(self, happened: str) -> None:
        if time.monotonic() - self._started >= self._patience.settled_after:
            self._pause = self._patience.first_pause
        self._output.say(f"{self.program.name} {happened}; starting it again in {self._pause:g} s")
        self._start_at = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, self._patience.longest_pause)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _signal_group(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says the latter for zombies
                os.killpg(self._process.pid, number)


#: Seconds from the request to end, and what is then done to those that still run.
Step = tuple[float, Callable[[Child], None]]


class Supervisor:
    """The programs, in the order of their start."""

    def __init__(self, output: Output, interrupts: Interrupts, *, patience: Patience | None = None) -> None:
        self._output = output
        self._patience = patience or Patience()
        self._interrupts = interrupts
        self._children: list[Child] = []

    def start(self, program: Program) -> Child:
        child = Child(program, self._output, self._patience)
        self._children.append(child)
        child.start()
        return child

    def watch(self, *, each_look: Callable[[], float]) -> None:
        """Keep all running until a signal asks for the end. `each_look` says within how many seconds to look again."""
        while not self._interrupts.count:
            for child in self._children:
                child.keep()
            self._interrupts.pause(min([each_look(), *(child.next_look() for child in self._children)]))

    def stop(self) -> None:
        """End all, those that serve others last, within ten seconds; at once when another signal comes."""
        servers = [child for child in self._children if child.program.serves_others]
        clients = [child for child in self._children if not child.program.serves_others]
        hurry, kill = (self._patience.hurry_after, Child.hurry), (self._patience.kill_after, Child.kill)
        self._end(clients, [(0, Child.terminate), hurry, kill], until=self._impatient)
        kill = (self._patience.server_kill_after, Child.kill)
        self._end(servers, [(0, Child.terminate), kill], until=lambda: False)

    def _end(self, children: Sequence[Child], steps: Sequence[Step], *, until: Callable[[], bool]) -> None:
        """Take each step at its time with those that still run; only the last one once `until` says so."""
        began = time.monotonic()
        for after, step in steps:
            children = self._await(children, began + after, until=until)
            if step is steps[-1][1] or not until():
                for child in children:
                    step(child)
        self._await(children, time.monotonic() + KILLED_WITHIN, until=lambda: False)

    def _await(self, children: Sequence[Child], deadline: float, *, until: Callable[[], bool]) -> Sequence[Child]:
        """Those that still run when all have ended, or at the deadline, or when `until` says so."""
        running = [child for child in children if not child.reap()]
        while running and not until() and (left := deadline - time.monotonic()) > 0:
            self._interrupts.pause(left)
            running = [child for child in running if not child.reap()]
        return running

    def _impatient(self) -> bool:
        return self._interrupts.count > 1


def _ending(returncode: int) -> str:
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"
