"""The command, over a service that really runs: exit code 0 while all is well, 1 with a sentence when it is not."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scheduler_service.storage.session import Database
from tests.support.broker import Broker
from tests.support.processes import Site, site
from tests.support.rows import given_schedule, runs, schedule, sql
from tests.support.waiting import eventually

Doctor = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def watched(database_url: str, broker: Broker, tmp_path: Path) -> Iterator[Site]:
    with site(database_url, broker.url, tmp_path) as opened:
        yield opened


def examine(site: Site, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "scheduler_service.cli", "doctor", *words]
    return subprocess.run(
        command, env={**os.environ, **site.env, **env}, capture_output=True, text=True, timeout=30, check=False
    )


def document(site: Site, **env: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(examine(site, "--json", **env).stdout)
    return told


def test_a_service_that_runs_is_well_and_one_that_was_left_is_not(
    watched: Site, database: Database, broker: Broker
) -> None:
    key = given_schedule(database, every=1, overlap_policy="allow_all", queue="sample")
    worker = watched.worker("-c", "1", "-Q", "sample")
    beat = watched.beat()
    eventually(lambda: len(runs(database, periodic_task_id=key, state="succeeded")) > 2, within=20)
    eventually(lambda: _marker(broker), within=10)

    well = examine(watched)
    assert (well.returncode, well.stderr) == (0, ""), well.stdout + well.stderr
    assert "Nothing is wrong." in well.stdout
    told = document(watched)
    assert (told["healthy"], told["findings"], told["broker"]["watched"]) == (True, [], True)
    assert told["broker"]["depths"].keys() == {"sample"}
    assert [one["alive"] for one in told["workers"]] == [True]
    assert told["beats"] == 1

    worker.stop(), beat.stop()
    sql(database, "UPDATE periodic_task SET next_run_at = created_at, next_occurrence_at = created_at")
    sql(database, "UPDATE periodic_task SET next_run_at = '2020-01-01', next_occurrence_at = '2020-01-01'")
    ill = examine(watched)
    assert ill.returncode == 1
    assert "no Beat has decided it" in ill.stdout
    assert "queue sample: No living worker serves it; one schedule names it." in ill.stdout
    codes = {finding["code"] for finding in document(watched)["findings"]}
    assert {"overdue", "queue_unserved"} <= codes
    assert ("no_beat" in codes) is (database.dialect == "postgresql")
    assert schedule(database, key).enabled


def test_messages_that_nobody_will_take(sqlite_url: str, broker: Broker, tmp_path: Path) -> None:
    with site(sqlite_url, broker.url, tmp_path) as opened:
        database = Database(sqlite_url)
        given_schedule(database, every=1, period="hours", queue="left")
        database.close()
        with broker.client() as client:
            client.rpush("left", "one")
            client.rpush("left\x06\x166", "two")

        told = {finding["code"]: finding for finding in document(opened)["findings"]}

    assert told["messages_unserved"]["items"][0]["sentence"] == "It holds 2 messages, and no living worker serves it."
    assert "broker_unwatched" in told


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("redis://:hidden@127.0.0.1:1/0", "the broker: It does not answer", id="away"),
        pytest.param(
            "amqp://guest:hidden@127.0.0.1:1//", "not looked at: amqp://127.0.0.1:1// is no Redis", id="other"
        ),
    ],
)
def test_a_broker_that_cannot_be_asked(
    sqlite_url: str, broker: Broker, tmp_path: Path, url: str, expected: str
) -> None:
    with site(sqlite_url, broker.url, tmp_path) as opened:
        told = examine(opened, SCHEDULER_BROKER_URL=url)

    assert expected in told.stdout
    assert "hidden" not in told.stdout + told.stderr
    assert told.returncode == (1 if "does not answer" in expected else 0)


def test_the_broker_of_the_data_directory_is_looked_at(sqlite_url: str, broker: Broker, tmp_path: Path) -> None:
    with site(sqlite_url, broker.url, tmp_path) as opened:
        env = {name: value for name, value in opened.env.items() if name != "SCHEDULER_BROKER_URL"}
        opened.env = env
        assert document(opened)["broker"]["url"] is None

        kept = tmp_path / "data" / "valkey" / "broker_url"
        kept.parent.mkdir(parents=True)
        kept.write_text(f"{broker.url}\n")
        assert document(opened)["broker"]["looked"] is True


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["words", "json"])
def test_a_database_that_is_away_means_that_it_could_not_look(
    broker: Broker, tmp_path: Path, words: tuple[str]
) -> None:
    with site("postgresql://nobody@127.0.0.1:1/none", broker.url, tmp_path) as opened:
        told = examine(opened, *words)

    assert told.returncode == 2
    assert "The database cannot be reached" in (json.loads(told.stdout)["error"] if words else told.stderr)


def _marker(broker: Broker) -> bool:
    with broker.client() as client:
        return client.get("scheduler:epoch") is not None
