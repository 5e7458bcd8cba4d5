"""The doctor, asked from a page: one examination at a time, and what was found a moment ago still counts."""

from dataclasses import dataclass
from datetime import datetime
from threading import Event, Lock
from time import monotonic

from scheduler_service.services import doctor
from scheduler_service.services.broker_look import Broker, BrokerLook
from scheduler_service.services.doctor import Diagnosis
from scheduler_service.storage.findings import Found
from scheduler_service.storage.session import Database
from scheduler_service.timing.clock import SystemClock
from scheduler_service.workloads.warehouses import AnyWarehouse

COUNTS_FOR = 10.0  # seconds


@dataclass(frozen=True)
class Examination:
    """What was found wrong, what is good to know, and when that was."""

    at: datetime
    took: float
    diagnosis: Diagnosis
    broker: BrokerLook
    found: list[Found]

    @property
    def wrong(self) -> list[Found]:
        return [one for one in self.found if not one.is_note]

    @property
    def notes(self) -> list[Found]:
        return [one for one in self.found if one.is_note]


class Examiner:
    """The doctor of one process."""

    def __init__(self, database: Database, broker: Broker, warehouse: AnyWarehouse) -> None:
        self._database, self._broker, self._warehouse = database, broker, warehouse
        self._lock = Lock()
        self._last: Examination | None = None
        self._made_at = float("-inf")

    @property
    def last(self) -> Examination | None:
        """The last one, if there was any."""
        return self._last

    def examine(self) -> Examination:
        """Look everything over, unless that was done a moment ago. It takes a few seconds. Raises: StoreAway."""
        with self._lock:
            if self._last is None or monotonic() - self._made_at > COUNTS_FOR:
                self._last = self._examined()
                self._made_at = monotonic()
            return self._last

    def _examined(self) -> Examination:
        began = monotonic()
        diagnosis = doctor.examine(self._database, host=SystemClock(), pause=Event().wait)
        broker = self._broker.look(diagnosis.queues_wanted.union(*(worker.queues for worker in diagnosis.workers)))
        found = [
            *diagnosis.found,
            *(Found.one(finding) for finding in broker.findings),
            *Found.of(doctor.unserved_messages(broker.depths, diagnosis.workers)),
            *Found.of(doctor.warehouse_findings(self._warehouse)),
        ]
        return Examination(diagnosis.now, monotonic() - began, diagnosis, broker, found)
