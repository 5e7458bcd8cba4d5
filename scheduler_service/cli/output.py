"""Many processes on one screen: each line with the name of who wrote it, aligned.

One thread reads each process and one writes, so that a terminal that stopped (Ctrl-S) or a reader that went away
holds up the lines, but never the supervisor.
"""

import queue
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, TextIO

LONGEST_LINE = 64 * 1024
WAITING_LINES = 10_000
CLOSE_WITHIN = 0.4  # seconds
COLOURS = (36, 32, 33, 35, 34, 96, 92)
DIM = 2


class Output:
    """Where the lines go. `names` are all who will speak, which fixes the width; colours only on a terminal."""

    def __init__(self, stream: TextIO, names: Sequence[str], *, colour: bool) -> None:
        self._stream = stream
        self._width = max(map(len, names), default=0)
        self._colours = dict(zip(names, COLOURS * len(names), strict=False)) if colour else {}
        self._lines: queue.Queue[str | None] = queue.Queue(WAITING_LINES)
        self._readers: list[threading.Thread] = []
        self._writer = threading.Thread(target=self._write, name="output", daemon=True)
        self._writer.start()

    def say(self, text: str, *, name: str = "up") -> None:
        """A line of the supervisor's own; dropped rather than waited for when nobody takes lines."""
        self._offer(self._prefix(name) + text)

    def show(self, text: str) -> None:
        """Lines without a name in front."""
        self._offer(text)

    def follow(self, name: str, pipe: IO[bytes]) -> None:
        """Show what a process writes until its pipe ends."""
        reader = threading.Thread(target=self._read, args=(name, pipe), name=f"output of {name}", daemon=True)
        self._readers = [thread for thread in self._readers if thread.is_alive()] + [reader]
        reader.start()

    def close(self) -> None:
        """Write what ended processes left to read; for a moment at most."""
        deadline = time.monotonic() + CLOSE_WITHIN / 2
        for reader in self._readers:
            reader.join(max(deadline - time.monotonic(), 0))
        with suppress(queue.Full):
            self._lines.put_nowait(None)
            self._writer.join(CLOSE_WITHIN / 2)

    def _offer(self, line: str) -> None:
        with suppress(queue.Full):
            self._lines.put_nowait(line)

    def _read(self, name: str, pipe: IO[bytes]) -> None:
        prefix = self._prefix(name)
        with pipe:
            while line := pipe.readline(LONGEST_LINE):
                if text := line.decode(errors="replace").rstrip():
                    self._lines.put(prefix + text)

    def _write(self) -> None:
        broken = False
        while (line := self._lines.get()) is not None:
            if broken:
                continue
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):  # the terminal or the reader is gone: go on without
                broken = True

    def _prefix(self, name: str) -> str:
        label = f"{name:<{self._width}} | "
        return f"\x1b[{self._colours.get(name, DIM)}m{label}\x1b[0m" if self._colours else label
