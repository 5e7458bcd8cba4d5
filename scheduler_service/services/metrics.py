"""What Prometheus is told of the service, asked of the database at most every few seconds.

Counters begin with the process and count runs as they end, by a range of the index on when they did: a scrape costs
the same whether a thousand runs are kept or millions. Every API process counts all of them: take one, or the maximum.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any

from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from scheduler_service.errors import StoreAway
from scheduler_service.services.broker_look import Broker
from scheduler_service.storage import measures
from scheduler_service.storage.measures import DURATION_BUCKETS, LATENESS_BUCKETS, Ended, Heights, Standing
from scheduler_service.storage.session import Database

logger = logging.getLogger(__name__)

MEASURED_COUNTS = 5.0  # seconds
SETTLED = timedelta(seconds=10)  # an end may be committed a moment after its instant
LONGEST_LOOK_BACK = timedelta(hours=1)  # nobody asked for longer


class Metrics:
    """All that one API process tells."""

    def __init__(self, database: Database, broker: Broker) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "scheduler_http_requests",
            "Requests by route and status, of this process",
            ["method", "route", "status"],
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(ServiceCollector(database, broker))

    def count_request(self, method: str, route: str, status: int) -> None:
        """One more was answered."""
        self._requests.labels(method, route, str(status)).inc()

    def text(self) -> bytes:
        """In Prometheus' own format."""
        return generate_latest(self._registry)


@dataclass
class Tally:
    """A histogram that grows."""

    at_most: list[int]
    count: int = 0
    sum: float = 0.0

    def add(self, more: Heights) -> None:
        self.at_most = [old + new for old, new in zip(self.at_most, more.at_most, strict=True)]
        self.count += more.count
        self.sum += more.sum


@dataclass
class Totals:
    """What ended since this process began to count."""

    runs: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    lateness: defaultdict[str, Tally] = field(
        default_factory=lambda: defaultdict(lambda: Tally([0] * len(LATENESS_BUCKETS)))
    )
    duration: defaultdict[str, Tally] = field(
        default_factory=lambda: defaultdict(lambda: Tally([0] * len(DURATION_BUCKETS)))
    )
    duplicates: int = 0
    resent: int = 0
    unpublishable: int = 0

    def add(self, ended: Ended) -> None:
        self.runs[ended.kind, ended.state] += ended.count
        self.lateness[ended.kind].add(ended.lateness)
        self.duration[ended.kind].add(ended.duration)
        self.duplicates += ended.duplicates
        self.resent += ended.resent
        self.unpublishable += ended.unpublishable


class ServiceCollector(Collector):
    """What the database and the broker tell."""

    def __init__(self, database: Database, broker: Broker) -> None:
        self._database, self._broker = database, broker
        self._lock = Lock()
        self._counted_until: datetime | None = None
        self._totals = Totals()
        self._standing: Standing | None = None  # None: the database is away
        self._measured_at = float("-inf")

    def describe(self) -> Iterable[Metric]:
        """Nothing: to be registered costs no look."""
        return ()

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if monotonic() - self._measured_at > MEASURED_COUNTS:
                self._measure()
                self._measured_at = monotonic()
            standing = self._standing
            yield _gauge("scheduler_database_up", "Whether the database answers", [], {(): int(standing is not None)})
            if standing is not None:
                yield from _standing(standing)
            yield from _totals(self._totals)
        yield from self._of_broker(standing)

    def _measure(self) -> None:
        try:
            with self._database.reading() as session:
                now = self._database.clock.now()
                until = now - SETTLED
                since = max(self._counted_until or until, until - LONGEST_LOOK_BACK)
                ended = measures.ended(session, since=since, until=until)
                self._standing = measures.standing(session, now)
        except StoreAway as why:
            logger.warning("nothing is measured: %s", why)
            self._standing = None
            return
        for group in ended:
            self._totals.add(group)
        self._counted_until = max(since, until)

    def _of_broker(self, standing: Standing | None) -> Iterator[Metric]:
        look = self._broker.look(standing.queues if standing is not None else ())
        if not look.looked:
            return
        yield _gauge("scheduler_broker_up", "Whether the broker answers", [], {(): int(not look.is_away)})
        if not look.is_away:
            depths = {(queue,): depth for queue, depth in look.depths.items()}
            yield _gauge("scheduler_queue_messages", "Messages that wait in a queue", ["queue"], depths)
            unacked = "Messages that workers hold and have not acknowledged"
            yield _gauge("scheduler_unacknowledged_messages", unacked, [], {(): look.unacked})


def _standing(standing: Standing) -> Iterator[Metric]:
    of_state = {(state,): count for state, count in standing.schedules.items()}
    yield _gauge("scheduler_schedules", "Schedules by state", ["state"], of_state)
    yield _gauge("scheduler_runs_unfinished", "Runs that have not ended", ["kind", "state"], standing.unfinished)
    workers = {(state,): count for state, count in standing.workers.items()}
    yield _gauge("scheduler_workers", "Workers by state", ["state"], workers)
    yield _gauge("scheduler_beats", "Beats that run; on SQLite 1 for any number", [], {(): standing.beats})


def _totals(totals: Totals) -> Iterator[Metric]:
    runs = CounterMetricFamily("scheduler_runs_ended", "Runs that ended", labels=["kind", "state"])
    for labels, count in sorted(totals.runs.items()):
        runs.add_metric(labels, count)
    yield runs
    late = "From when a run was to be sent until its first attempt began"
    yield _histogram("scheduler_run_lateness_seconds", late, totals.lateness, LATENESS_BUCKETS)
    took = "From the beginning of a run's last attempt until its end"
    yield _histogram("scheduler_run_duration_seconds", took, totals.duration, DURATION_BUCKETS)
    yield CounterMetricFamily(
        "scheduler_duplicate_deliveries", "Copies of messages that were not executed", value=totals.duplicates
    )
    yield CounterMetricFamily("scheduler_messages_resent", "Messages sent again, being lost", value=totals.resent)
    yield CounterMetricFamily(
        "scheduler_publish_failures", "Runs whose message could not be made", value=totals.unpublishable
    )


def _gauge(name: str, help_text: str, labels: Sequence[str], values: Mapping[Any, int]) -> Metric:
    """`values` by the values of the labels, as a tuple."""
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for of, value in sorted(values.items()):
        family.add_metric(of, value)
    return family


def _histogram(name: str, help_text: str, tallies: dict[str, Tally], bounds: Sequence[float]) -> Metric:
    family = HistogramMetricFamily(name, help_text, labels=["kind"])
    for kind, tally in sorted(tallies.items()):
        buckets = [(str(float(bound)), count) for bound, count in zip(bounds, tally.at_most, strict=True)]
        family.add_metric([kind], [*buckets, ("+Inf", tally.count)], tally.sum)
    return family
