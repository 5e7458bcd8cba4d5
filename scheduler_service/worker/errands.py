"""What a worker's parent has to write, done by a thread of its own.

The parent's event loop serves every task of the worker and must not wait for a database that is slow or away; and a
cold shutdown ends tasks inside a signal handler, on top of whatever the parent was doing, where a second statement
on the same connection would wait for ever.
"""

import atexit
import logging
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

logger = logging.getLogger(__name__)

LAST_SECONDS = 5.0  # at the worker's end; what is not written by then, Beat sees by the worker's silence


class Errands:
    """Done one after the other, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._loop, name="scheduler errands", daemon=True)

    def start(self) -> None:
        self._thread.start()
        atexit.register(self.end)

    def add(self, errand: Callable[[], None]) -> None:
        """Have it done soon. A signal handler may call this at any moment: `SimpleQueue.put` allows for that."""
        self._waiting.put(errand)

    def end(self) -> None:
        """Do what waits, for a few seconds at most."""
        self._waiting.put(None)
        self._thread.join(LAST_SECONDS)

    def _loop(self) -> None:
        while (errand := self._waiting.get()) is not None:
            try:
                errand()
            except Exception:
                logger.exception("an errand failed")
