"""A Beat that SIGKILLs itself where it hurts most: DIES says `before` or `after` its first sending."""

import os
import signal
from collections.abc import Sequence
from datetime import datetime

from scheduler_service.beat.loop import Loop
from scheduler_service.beat.publish import Publisher, Sent
from scheduler_service.beat.scheduler import DatabaseScheduler
from scheduler_service.storage.publishing import Message


class DyingPublisher(Publisher):
    def send(self, messages: Sequence[Message], *, now: datetime) -> Sent:
        if os.environ["DIES"] == "after":
            super().send(messages, now=now)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("SIGKILL cannot be survived")


class DyingScheduler(DatabaseScheduler):
    def _start(self) -> Loop:
        loop = super()._start()
        loop._publisher = DyingPublisher(self.app)
        return loop
