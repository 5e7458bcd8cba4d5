"""What a Beat does, again and again: look, plan, decide, publish, wait.

It keeps no copy of the schedules, and nothing that another Beat, or this one after a restart, would need.
"""

import gc
import logging
import os
import secrets
import socket
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from time import monotonic
from uuid import UUID

from celery import Celery
from celery.beat import ScheduleEntry

from scheduler_service.beat.adoption import static_schedules
from scheduler_service.beat.chains import follow
from scheduler_service.beat.decide import decide_due, plan_unplanned
from scheduler_service.beat.publish import Publisher, Sent
from scheduler_service.beat.repair import BrokerWatch
from scheduler_service.beat.wakeup import wakeup_for
from scheduler_service.errors import StoreAway
from scheduler_service.storage import (
    adopted,
    backfills,
    beats,
    cancelling,
    due,
    migrating,
    pausing,
    publishing,
    tallies,
    workers,
    zone_data,
)
from scheduler_service.storage.due import Outlook
from scheduler_service.storage.publishing import Message
from scheduler_service.storage.session import Database, Session

logger = logging.getLogger(__name__)

LONGEST_WAIT = 5.0
SAY_ALIVE_EVERY = 15.0
TALLY_EVERY = 60.0
WATCH_EVERY = 4.5  # a little less, so that an idle Beat looks at the broker each time it wakes
FIRST_BATCH = 50  # small, so that all Beats get a share of what is due at one instant; doubled while there is more
LONGEST_BURST = 1.0
LOCKED_WAIT = 0.02  # when what is due is in another Beat's hands
HANDOVER_WAIT = 1.0  # while another Beat's lease is open: it may have died


class Backoff:
    """How long to leave something alone that failed: 1 s, doubling to the limit."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._delay = 0.0
        self._until = 0.0

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._until - monotonic())

    def failed(self) -> float:
        self._delay = min(self._limit, self._delay * 2 or 1.0)
        self._until = monotonic() + self._delay
        return self._delay

    def worked(self) -> bool:
        """True when it had failed before."""
        had_failed, self._delay, self._until = self._delay > 0, 0.0, 0.0
        return had_failed


class Loop:
    """One Beat, of any number."""

    def __init__(
        self,
        app: Celery,
        database: Database,
        *,
        dispatch_deadline: timedelta,
        republish_after: timedelta,
        static: Sequence[ScheduleEntry] = (),
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.number = secrets.randbelow(2**31)
        self.stopping = Event()
        self._database = database
        self._deadline = dispatch_deadline
        self._static = static
        self._ready = False
        self._publisher = Publisher(app)
        self._watch = BrokerWatch(app, database, republish_after=republish_after)
        self._recording: Future[None] | None = None
        self._watched_at = self._said_at = self._tallied_at = float("-inf")
        self._wakeup = wakeup_for(database, self.number, self.stopping)
        self._batch = FIRST_BATCH
        self._store, self._broker = Backoff(5), Backoff(60)

    def tick(self) -> None:
        """Do what there is to do, or wait for it; never longer than a few seconds."""
        try:
            if not self._ready:
                self._prepare()
            self._say_alive()
            self._tally()
            self._wakeup.mark()
            outlook = self._look()
            if self._store.worked():
                logger.info("the database is back")
            if not self._work(outlook):
                self._wakeup.wait(self._seconds_to_wait(outlook))
        except StoreAway as why:
            delay = self._store.failed()
            logger.warning("%s Trying again in %.0f s.", why, delay)
            self.stopping.wait(delay)

    def _prepare(self) -> None:
        """Once: be sure of the tables, and take in what the app states in its code. Raises: CannotStart, StoreAway."""
        with self._database.reading() as session:
            migrating.check_connection(session.connection())
        zone_data.replan_after_change(self._database)
        entries = static_schedules(self._static, now=self._database.clock.now())
        with self._database.transaction() as session:
            taken = adopted.adopt(session, entries)
        if taken:
            logger.info("took %s into the schedules from the app's beat_schedule", ", ".join(taken))
        gc.collect()
        gc.freeze()  # what is loaded by now stays: in a burst each full collection would walk through all of it
        self._ready = True

    def _say_alive(self) -> None:
        """Before the wakeup is marked, or the sign itself would wake us."""
        if monotonic() - self._said_at > SAY_ALIVE_EVERY:
            beats.say_alive(self._database)
            self._said_at = monotonic()

    def _tally(self) -> None:
        """Count what ended in the ten minutes that are over, once for all who ask."""
        if monotonic() - self._tallied_at > TALLY_EVERY:
            tallies.tally(self._database)
            self._tallied_at = monotonic()

    def _look(self) -> Outlook:
        with self._database.reading() as session:
            outlook = due.look(session, self._database.clock.now())
        self._database.heard(outlook.told)
        return outlook

    def _work(self, outlook: Outlook) -> bool:
        """Do some of whatever there is; False when there was nothing."""
        worked = False
        limit = self._database.batch_size
        if outlook.unplanned:
            worked = plan_unplanned(self._database, limit=limit) > 0
        if outlook.publishable and not self._broker.seconds_left:  # before what comes due: a burst takes its time
            worked = self._publish(self._lease(limit)) or worked
        if outlook.due:
            worked = self._decide() or worked
        if outlook.followers:
            worked = self._follow(limit) or worked
        if outlook.promotable:
            worked = self._promote(limit) or worked
        self._settle()
        if monotonic() - self._watched_at > WATCH_EVERY and not self._broker.seconds_left:
            worked = self._look_at_broker(outlook) or worked
        worked = self._look_after_backfills(outlook) or worked
        return self._look_after_workers(outlook) or worked

    def _decide(self) -> bool:
        """Decide and send batch after batch, for a second at most: others wait for their turn."""
        until, worked = monotonic() + LONGEST_BURST, False
        while True:
            schedules, messages = decide_due(self._database, self, limit=self._batch)
            is_full = schedules == self._batch
            self._batch = min(self._database.batch_size, self._batch * 2) if is_full else FIRST_BATCH
            self._publish(messages)
            worked = worked or schedules > 0
            if not is_full or monotonic() > until or self.stopping.is_set():
                return worked

    def _follow(self, limit: int) -> bool:
        """Decide and send what runs after others that ended."""
        worked, messages = follow(self._database, self, limit=limit)
        self._publish(messages)
        return worked

    def _look_after_workers(self, outlook: Outlook) -> bool:
        if outlook.silent_workers:
            self._give_up_lost()
        terminated = outlook.to_terminate and not self._broker.seconds_left and self._terminate()
        if outlook.late:
            with self._database.transaction() as session:
                publishing.expire_late(session, now=self._database.clock.now())
        return outlook.silent_workers or terminated or outlook.late

    def _look_after_backfills(self, outlook: Outlook) -> bool:
        """Let runs of backfills go that have room, and end those that are over."""
        if not outlook.backfills:
            return False
        with self._database.transaction() as session:
            return backfills.attend(session, now=self._database.clock.now()) > 0

    def _promote(self, limit: int) -> bool:
        """Let buffered runs go whose schedule has none going on."""
        with self._database.transaction() as session:
            return publishing.promote(session, limit=limit) > 0

    def _terminate(self) -> bool:
        """Have the workers terminate what was asked to end and did not; False when they cannot be told."""
        with self._database.reading() as session:
            ids = cancelling.overdue_ids(session, now=self._database.clock.now(), limit=self._database.batch_size)
        try:
            self._publisher.terminate(ids)
        except self._publisher.broker_errors as why:
            self._broker_is_away(why)
            return False
        with self._database.transaction() as session:
            cancelling.mark_terminating(session, ids)
        return True

    def _seconds_to_wait(self, outlook: Outlook) -> float:
        ends = [LONGEST_WAIT]
        if outlook.next_run_at is not None:
            ends.append((outlook.next_run_at - self._database.clock.now()).total_seconds())
        if outlook.leased_until is not None:
            ends.append(HANDOVER_WAIT)
        if outlook.pending_at is not None:
            ends.append((outlook.pending_at - self._database.clock.now()).total_seconds())
        if outlook.publishable:
            ends.append(self._broker.seconds_left or HANDOVER_WAIT)
        return max(LOCKED_WAIT if outlook.due else 0.0, min(ends))

    def _lease(self, limit: int) -> list[Message]:
        with self._database.transaction() as session:
            now = self._database.clock.now()
            expired = publishing.expire_undelivered(session, now=now, deadline=self._deadline)
            messages = publishing.lease(session, self.number, now=now, limit=limit)
        if expired:
            logger.error("%s runs expired: the broker was away for more than %s", expired, self._deadline)
        return messages

    def _publish(self, messages: Sequence[Message]) -> bool:
        """Send and mark; True when something was sent or ended."""
        if not messages:
            return False
        ids = [message.id for message in messages]
        if self._broker.seconds_left:
            with self._database.transaction() as session:
                publishing.release(session, ids)
            return False
        sent = self._publisher.send(messages, now=self._database.clock.now())
        self._settle()
        record = partial(self._record, sent=sent, ids=ids, now=self._database.clock.now())
        if self._database.dialect == "sqlite":  # one writer at a time
            with self._database.transaction() as session:
                record(session)
        else:  # while the next batch is decided
            self._recording = self._database.beside(record)
        if sent.broker_away is not None:
            self._broker_is_away(sent.broker_away)
            return bool(sent.unpublishable)
        if self._broker.worked():
            logger.info("the broker is back")
        logger.debug("published %s runs", len(sent.ids))
        return True

    def _record(self, session: Session, *, sent: Sent, ids: Sequence[UUID], now: datetime) -> None:
        publishing.fail_unpublishable(session, sent.unpublishable, now=now)
        if sent.broker_away is None:
            publishing.mark_published(session, sent.ids, now=now)
        else:
            publishing.release(session, ids)

    def _settle(self) -> None:
        """Wait until it is recorded what was sent last. Raises: StoreAway."""
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.result()

    def _look_at_broker(self, outlook: Outlook) -> bool:
        """True when runs were found that must be sent again."""
        self._watched_at = monotonic()
        try:
            return self._watch.look(unclaimed=outlook.unclaimed) > 0
        except self._publisher.broker_errors as why:
            self._broker_is_away(why)
            return False

    def _broker_is_away(self, why: object) -> None:
        delay = self._broker.failed()
        logger.warning("the broker is away (%s); trying again in %.0f s", why, delay)

    def _give_up_lost(self) -> None:
        with self._database.transaction() as session:
            lost = workers.give_up_silent(session, now=self._database.clock.now())
        with self._database.transaction() as session:
            pausing.pause_failing(session, [run_id for run_id, _ in lost])
        for run_id, worker in lost:
            logger.warning("run %s was lost: its worker %s is silent", run_id, worker)
