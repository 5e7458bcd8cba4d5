"""A program that ends with the process that started it.

`up` starts everything through this file, run by its path with nothing but the standard library, because the
alternative (`preexec_fn`) is not safe beside threads. It asks the kernel for a signal at the parent's death, takes
a lock if one is named, and becomes the program; both survive the exec. So when `up` itself is killed, nothing
lives on, and two servers never write to one directory.
"""

import ctypes
import fcntl
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
NO_LOCK = "-"


def tied(command: list[str], *, ending: signal.Signals, lock: Path | None = None) -> list[str]:
    """The command that runs `command` until it ends or this process does, which sends it `ending`.

    The kernel means the *thread* that starts it: that must be one that stays, the main thread.
    """
    words = [str(os.getpid()), str(int(ending)), str(lock) if lock else NO_LOCK]
    return [sys.executable, "-I", "-S", __file__, *words, *command]


def tie(parent: int, ending: int) -> None:
    """Receive `ending` when the parent ends (Linux; elsewhere nothing). Exits when it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ending)
    if os.getppid() != parent:
        sys.exit(1)


def hold(lock: Path) -> None:
    """Wait for the lock, and keep it open for the program, which holds it as long as it lives."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.set_inheritable(handle, True)


def main() -> None:
    parent, ending, lock, *command = sys.argv[1:]
    tie(int(parent), int(ending))
    if lock != NO_LOCK:
        hold(Path(lock))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
