"""Work in a process of its own, which can be killed at any moment, and whose memory has a bound.

A person's SQL can take all memory, hang in a function that hears nothing, or bring the engine down: DuckDB's own
`memory_limit` is none (`repeat('x', 2000000000)` took 4 GB under 1 GB, deaf for 16 s). Here the process fails, or is
killed a second after it was asked to end; the worker lives on, and its memory was never touched. It starts in 0.1 s.

The process ends with its parent, however that ends: the kernel sees to it, and a pipe whose other end it holds.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Event, Thread
from time import monotonic
from typing import Any

from scheduler_service.errors import ServiceError, WorkDied
from scheduler_service.workloads.stopping import SLICE_SECONDS, Stop

GRACE_SECONDS = 1.0
PR_SET_PDEATHSIG = 1  # the kernel means the thread that starts us, which waits for us
MEMORY_BYTES = 2 * 1024**3
#: What it may know of our environment: settings, and so secrets, are not among it.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH")


class Side:
    """The process's own side: whether it shall end, and what it says meanwhile."""

    def __init__(self, pipe: Connection, seconds: float) -> None:
        self._pipe, self._asked = pipe, Event()
        self.stop = Stop(self._asked.is_set, seconds)

    def tell(self, **progress: Any) -> None:
        """How far the work is."""
        self._pipe.send(("told", progress))

    def decided(self) -> None:
        """From here on the end comes soon and must not be cut off: a transaction commits."""
        self._pipe.send(("decided", None))

    def listen(self) -> None:
        """Hear the parent, which says only one thing; its silence is its end, and ours."""
        try:
            self._pipe.recv()
            self._asked.set()
            self._pipe.recv()
        except EOFError:
            os._exit(1)


def run(
    job: Callable[..., Any],
    *arguments: Any,
    stop: Stop,
    memory_bytes: int = MEMORY_BYTES,
    told: Callable[..., None] = lambda **_: None,
) -> Any:
    """What `job(side, *arguments)` returns, done in another process; job and arguments are pickled.

    Raises what the job raises, where that is a ServiceError; the reason of `stop`; WorkDied.
    """
    with _started() as (process, pipe):
        pipe.send((job, arguments, memory_bytes, stop.left()))
        return _Talk(process, pipe, stop, told).result()


class _Talk:
    """The parent's side."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", pipe: Connection, stop: Stop, told: Callable[..., None]
    ) -> None:
        self._process, self._pipe, self._stop, self._told = process, pipe, stop, told
        self._reason: ServiceError | None = None
        self._kill_at = float("inf")
        self._decided = False

    def result(self) -> Any:
        while True:
            self._ask_to_end()
            if not self._pipe.poll(SLICE_SECONDS):
                if monotonic() > self._kill_at and not self._decided:
                    self._process.kill()  # what it said before is still to be heard
                continue
            try:
                kind, what = self._pipe.recv()
            except (EOFError, ConnectionResetError):
                raise self._end() from None
            if kind == "told":
                self._told(**what)
            elif kind == "decided":
                self._decided = True
            elif kind == "done":
                return what
            else:
                raise self._reason or _unpacked(kind, what)

    def _ask_to_end(self) -> None:
        """Politely, once; what goes on after that is killed."""
        if self._reason is None and (reason := self._stop.reason()):
            self._reason, self._kill_at = reason, monotonic() + GRACE_SECONDS
            self._pipe.send("end")

    def _end(self) -> ServiceError:
        """Why there is no result. Who decided, and died, may have done it all: that is for the caller to find out."""
        code = self._process.wait()
        if self._reason is not None and not self._decided:
            return self._reason
        return WorkDied(f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}")


@contextmanager
def _started() -> "Iterator[tuple[subprocess.Popen[bytes], Connection]]":
    """A process and the pipe to it; it is gone afterwards."""
    ours, theirs = Pipe()
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            start_new_session=True,  # Ctrl-C is for the worker, which ends in order
        )
        theirs.close()
        try:
            yield process, ours
        finally:
            process.kill()
            process.wait()


def _packed(error: ServiceError) -> tuple[type[ServiceError], tuple[Any, ...], dict[str, Any]]:
    """What pickle would make of it would call its constructor with the sentence that it wrote."""
    return type(error), error.args, vars(error)


def _unpacked(kind: str, what: Any) -> BaseException:
    if kind == "broke":
        return RuntimeError(what)
    made, arguments, facts = what
    error: ServiceError = made.__new__(made, *arguments)
    error.args = arguments
    error.__dict__.update(facts)
    return error


def main(descriptor: int) -> None:
    """The process: one job, and its end."""
    if sys.platform == "linux":  # elsewhere, and where the parent is gone already: by the pipe, unless we are deaf
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with Connection(descriptor) as pipe:
        job, arguments, memory_bytes, seconds = pipe.recv()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # What is written to, not what is reserved: libraries reserve far more address space than they ever use.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
        side = Side(pipe, seconds)
        Thread(target=side.listen, daemon=True).start()
        pipe.send(_outcome(job, side, arguments))


def _outcome(job: Callable[..., Any], side: Side, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return "done", job(side, *arguments)
    except ServiceError as error:
        return "failed", _packed(error)
    except MemoryError:
        return "failed", _packed(WorkDied("needed more memory than it may have"))
    except Exception:  # noqa: BLE001 - the parent raises it
        return "broke", traceback.format_exc()


if __name__ == "__main__":
    main(int(sys.argv[1]))
