"""Says that this worker lives, and what it can do; and gives up the runs that it does not know of any more.

A thread of its own: a timer in the event loop stops for as long as a solo task runs, and holds the loop up whenever
the database is slow. It goes on through a warm shutdown, while the last tasks finish.
"""

import atexit
import logging
import os
from collections.abc import Mapping
from threading import Event, Thread
from typing import Any

from celery.worker import state

from scheduler_service.errors import StoreAway
from scheduler_service.storage import workers
from scheduler_service.storage.models import Worker
from scheduler_service.storage.session import Database
from scheduler_service.worker.recording import Attempt, Recorder
from scheduler_service.worker.signatures import known_task

logger = logging.getLogger(__name__)

BEAT_SECONDS = 15.0
AGAIN_SECONDS = 2.0  # while the database is away


class Heartbeat:
    """The heartbeat of one worker process."""

    def __init__(self, database: Database, recorder: Recorder, worker: Any) -> None:
        self._database = database
        self._recorder = recorder
        self._worker = worker
        self._ending = Event()
        self._registered = False
        self._missing: set[Attempt] = set()
        self._thread = Thread(target=self._loop, name="scheduler heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()
        atexit.register(self.end)

    def end(self) -> None:
        """Write the last beat, unless the database is away."""
        self._ending.set()
        self._thread.join(3)

    def _loop(self) -> None:
        while True:
            try:
                self._beat()
                wait = BEAT_SECONDS
            except StoreAway as why:
                wait = AGAIN_SECONDS
                logger.warning("the heartbeat was not written: %s", why)
            except Exception:
                wait = BEAT_SECONDS
                logger.exception("the heartbeat was not written")
            if self._ending.wait(wait):
                return self._say_stopped()

    def _beat(self) -> None:
        with self._database.transaction() as session:
            known = workers.heartbeat(session, self._worker.hostname, now=self._database.clock.now())
            left = workers.running(session, self._worker.hostname)
        if self._registered and known:
            self._give_up_missing({Attempt(run_id, number): task for run_id, number, task in left})
        else:
            self._register()

    def _give_up_missing(self, running: Mapping[Attempt, str]) -> None:
        """A run that is `running` here and that nobody executes, at two beats: its outcome could not be recorded."""
        missing = running.keys() - executing()
        for attempt in missing & self._missing:
            late = bool(self._worker.app.tasks[running[attempt]].acks_late)
            self._recorder.lost(attempt, acks_late=late, why="its worker does not know how it ended")
            logger.warning("run %s, attempt %s, was lost: nothing executes it", attempt.run_id, attempt.number)
        self._missing = missing

    def _register(self) -> None:
        app, now = self._worker.app, self._database.clock.now()
        row = Worker(
            name=self._worker.hostname,
            queues=sorted(app.amqp.queues.consume_from),
            concurrency=self._worker.concurrency or 1,
            pid=os.getpid(),
            started_at=now,
            last_heartbeat_at=now,
            stopped_at=None,
        )
        with self._database.transaction() as session:
            tasks = [known_task(task) for _, task in sorted(app.tasks.items())]
            left = workers.register(session, row, tasks, now=now, first=not self._registered)
        self._registered = True
        for run_id in left:
            logger.warning("run %s was left running by an earlier process of this worker", run_id)

    def _say_stopped(self) -> None:
        try:
            with self._database.transaction() as session:
                workers.stopped(session, self._worker.hostname, now=self._database.clock.now())
        except StoreAway:
            logger.info("the database is away: it will see by the silence that this worker stopped")


def executing() -> set[Attempt]:
    """The attempts that this worker's pool has in hand.

    The set's own iterator fails when another thread adds to it meanwhile; a copy of the references cannot.
    """
    requests = [reference() for reference in state.active_requests.data.copy()]
    return {found for request in requests if request is not None and (found := Attempt.of(request.request_dict))}
