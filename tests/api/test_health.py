"""Health, readiness and metrics, for probes and Prometheus: no key is needed."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from scheduler_service.api.app import create_api
from scheduler_service.beat.wakeup import Listen
from scheduler_service.services import broker_look, metrics
from scheduler_service.storage import beats
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import given_schedule
from tests.api.serving import KEY, Server
from tests.api.test_runs import NOON, given_runs
from tests.api.test_workers import given_worker
from tests.support.broker import Broker
from tests.support.clock import ManualClock
from tests.support.rows import sql

NOWHERE = "redis://:a%20secret@127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was seen a moment ago counts."""
    monkeypatch.setattr(broker_look, "LOOK_COUNTS", 0)
    monkeypatch.setattr(metrics, "MEASURED_COUNTS", 0)


@pytest.fixture
def probe(server: Server, held_database: Database, warehouse: Warehouse, broker: Broker) -> Iterator[httpx.Client]:
    yield from client_of(server, held_database, warehouse, broker.url)


@pytest.fixture
def lonely_probe(server: Server, held_database: Database, warehouse: Warehouse) -> Iterator[httpx.Client]:
    """Of an API whose broker is away."""
    yield from client_of(server, held_database, warehouse, NOWHERE)


def client_of(server: Server, database: Database, warehouse: Warehouse, url: str | None) -> Iterator[httpx.Client]:
    server.app = create_api(database, admin_key=KEY, warehouse=warehouse, broker_url=url)
    with httpx.Client(base_url=server.url, timeout=10) as client:
        yield client


def measured(probe: httpx.Client, prefix: str = "scheduler_") -> dict[str, float]:
    """The samples of these names, with their labels as Prometheus writes them."""
    answer = probe.get("/metrics")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name.startswith(prefix)
    }


def test_all_that_is_needed_and_there_is_ready(probe: httpx.Client, held_database: Database) -> None:
    if held_database.dialect == "sqlite":
        beats.say_alive(held_database)
        ready = probe.get("/readyz")
    else:
        beat = Listen(held_database, 1)
        beat.mark()
        ready = probe.get("/readyz")
        beat.close()

    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ready", "checks": {"database": "ok", "migrations": "ok", "broker": "ok", "beat": "ok"}},
    )


def test_without_a_broker_or_a_beat_the_api_is_degraded_and_says_why(lonely_probe: httpx.Client) -> None:
    degraded = lonely_probe.get("/readyz")

    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")
    assert degraded.json()["checks"] == {
        "database": "ok",
        "migrations": "ok",
        "broker": "does not answer: runs wait until it is back",
        "beat": "none was seen lately: nothing is decided or sent until one runs",
    }


def test_a_beat_that_was_not_seen_for_a_minute_is_gone(sqlite_url: str, clock: ManualClock) -> None:
    database = Database(sqlite_url, clock=clock)
    beats.say_alive(database)

    def living() -> int:
        with database.reading() as session:
            return beats.living(session, clock.now())

    assert living() == 1
    clock.advance(timedelta(seconds=61))
    assert living() == 0
    database.close()


def test_metrics_tell_how_things_stand(probe: httpx.Client, held_database: Database, broker: Broker) -> None:
    api = httpx.Client(base_url=f"{probe.base_url}/api/v1", headers={"Authorization": f"Bearer {KEY}"})
    made = given_schedule(api, queue="heavy")
    given_schedule(api, "paused", enabled=False)
    running = {"state": "running", "worker": "w"}
    given_runs(held_database, made["id"], running, running, {"state": "buffered"}, {"state": "succeeded"})
    given_worker(held_database, "other", seen_at=NOON, queues=["default"])
    with broker.client() as redis:
        redis.lpush("heavy", "a", "b")
    api.close()

    told = measured(probe)

    assert {name: told[name] for name in told if name.startswith(("scheduler_schedules", "scheduler_runs_unf"))} == {
        "scheduler_schedules active": 1, "scheduler_schedules paused": 1, "scheduler_schedules completed": 0,
        "scheduler_schedules quarantined": 0, "scheduler_runs_unfinished other running": 2,
        "scheduler_runs_unfinished other buffered": 1,
    }  # fmt: skip
    assert (told["scheduler_workers alive"], told["scheduler_workers silent"], told["scheduler_beats"]) == (1, 0, 0)
    assert (told["scheduler_queue_messages heavy"], told["scheduler_queue_messages default"]) == (2, 0)
    assert (told["scheduler_database_up"], told["scheduler_broker_up"]) == (1, 1)


def test_metrics_count_what_ends(probe: httpx.Client, held_database: Database, clock: ManualClock) -> None:
    api = httpx.Client(base_url=f"{probe.base_url}/api/v1", headers={"Authorization": f"Bearer {KEY}"})
    made = given_schedule(api)
    api.close()
    before = measured(probe)
    ended = {"fire_at": NOON, "started_at": NOON + timedelta(seconds=2), "finished_at": NOON + timedelta(seconds=9)}
    copies = {"duplicate_deliveries": 2, "publish_count": 3, "reason": None}
    failed = {"reason": "the message could not be made", "duplicate_deliveries": 0, "publish_count": 0}
    given_runs(
        held_database,
        made["id"],
        {**ended, **copies, "state": "succeeded"},
        {**ended, **copies, "state": "succeeded", "finished_at": NOON + timedelta(seconds=3)},
        {**ended, **failed, "state": "failed", "started_at": None, "finished_at": NOON},
    )
    clock.advance(timedelta(seconds=30))

    first, second = measured(probe), measured(probe)

    assert "scheduler_runs_ended_total other succeeded" not in before
    assert first["scheduler_runs_ended_total other succeeded"] == 2
    assert first["scheduler_runs_ended_total other failed"] == 1
    assert first["scheduler_run_lateness_seconds_bucket other 1.0"] == 0
    assert first["scheduler_run_lateness_seconds_bucket other 2.5"] == 2
    assert first["scheduler_run_lateness_seconds_count other"] == 2
    assert first["scheduler_run_duration_seconds_bucket other 1.0"] == 1
    assert first["scheduler_run_duration_seconds_bucket other +Inf"] == 2
    assert first["scheduler_run_duration_seconds_sum other"] == pytest.approx(8, abs=0.01)
    assert first["scheduler_duplicate_deliveries_total"] == 4
    assert first["scheduler_messages_resent_total"] == 4
    assert first["scheduler_publish_failures_total"] == 1
    changed = {name for name in first if first[name] != second[name] and "http" not in name}
    assert changed == set()


def test_every_metric_is_documented(probe: httpx.Client) -> None:
    families = text_string_to_metric_families(probe.get("/metrics").text)
    told = {family.name + "_total" * (family.type == "counter") for family in families}
    documented = set(re.findall(r"scheduler_\w+", Path("docs/monitoring.md").read_text().split("Worth an alarm")[0]))

    assert {name for name in told if name.startswith("scheduler_")} == documented


def test_metrics_count_requests_by_route(probe: httpx.Client) -> None:
    for path in ("/api/v1/schedules/1", "/api/v1/schedules/2", "/nothing", "/healthz"):
        probe.get(path)
    probe.request("BREW", "/healthz")

    told = measured(probe, "scheduler_http_requests_total")

    assert told == {
        "scheduler_http_requests_total GET /api/v1/schedules/{schedule_id} 401": 2,
        "scheduler_http_requests_total GET (none) 404": 1,
        "scheduler_http_requests_total GET /healthz 200": 1,
        "scheduler_http_requests_total other /healthz 405": 1,
    }


def test_metrics_of_a_database_and_a_broker_that_are_away_say_so(
    server: Server, warehouse: Warehouse, postgres_url: str
) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none")
    for probe in client_of(server, nowhere, warehouse, NOWHERE):
        told = measured(probe)

    assert (told["scheduler_database_up"], told["scheduler_broker_up"]) == (0, 0)
    assert not any(name.startswith("scheduler_schedules") for name in told)


def test_what_was_measured_a_moment_ago_is_told_again_without_a_look(
    lonely_probe: httpx.Client, held_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "MEASURED_COUNTS", 1000)
    before = measured(lonely_probe)["scheduler_schedules active"]
    sql(held_database, "INSERT INTO periodic_task (name, task) VALUES ('n', 't')")

    assert measured(lonely_probe)["scheduler_schedules active"] == before
    monkeypatch.setattr(metrics, "MEASURED_COUNTS", 0)
    assert measured(lonely_probe)["scheduler_schedules active"] == before + 1
