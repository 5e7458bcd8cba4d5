"""`up` while it runs: what it shows, what it keeps secret, and that it goes on when a part of it dies."""

import stat

import httpx
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.cli.foreground import PROCESSES, Foreground, command
from tests.support.ports import free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("up")  # they share one


def test_it_shows_where_the_api_is_and_a_key_that_opens_it(running: Foreground) -> None:
    with running.client() as api:
        answers = {
            "healthz": httpx.get(f"{running.url}/healthz").status_code,
            "with the key": api.get("/schedules").status_code,
            "without": httpx.get(f"{running.url}/api/v1/schedules").status_code,
        }

    assert f"Console and API  {running.url}" in running.screen
    assert answers == {"healthz": 200, "with the key": 200, "without": 401}


def test_every_line_of_a_process_has_its_name_in_front(running: Foreground) -> None:
    eventually(lambda: running.screen.count(" ready.") == 3, within=10)

    names = {line.split("|")[0] for line in running.screen.splitlines() if "|" in line}

    assert {name.strip() for name in names} >= set(PROCESSES)
    assert len({len(name) for name in names}) == 1


def test_the_key_is_kept_where_only_its_owner_can_read_it(running: Foreground) -> None:
    kept = running.data_dir / "admin_key"

    assert kept.read_text().strip() == running.key
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_no_secret_is_on_a_command_line(running: Foreground) -> None:
    password = (running.data_dir / "valkey" / "broker_url").read_text().split(":")[2].split("@")[0]

    words = " ".join(word for process in running.family() for word in process.cmdline())

    assert running.key not in words
    assert password not in words


def test_the_broker_wants_a_password_and_keeps_what_it_has(running: Foreground) -> None:
    broker_url = (running.data_dir / "valkey" / "broker_url").read_text().strip()

    with redis.Redis.from_url(broker_url) as broker:
        settings = broker.config_get("bind", "appendonly", "appendfsync", "maxmemory-policy")
        port = broker.connection_pool.connection_kwargs["port"]
        stranger = redis.Redis(port=port, retry=Retry(NoBackoff(), 0))
        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()

    assert settings == {
        "bind": "127.0.0.1",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
    }


@pytest.mark.parametrize("name", ["api", "beat", "worker-heavy", "valkey"])
def test_a_killed_process_is_started_again(running: Foreground, name: str) -> None:
    killed = running.children()[name]
    killed.kill()

    eventually(lambda: running.children().get(name, killed).pid != killed.pid, within=10)

    assert f"{name} ended (SIGKILL); starting it again" in running.screen
    eventually(running.is_healthy, within=10)


def test_a_killed_worker_leaves_no_process_of_its_pool(running: Foreground) -> None:
    worker = running.children()["worker-default"]
    pool = eventually(worker.children, within=10)
    worker.kill()

    eventually(lambda: not any(process.is_running() for process in pool), within=10)


def test_a_second_one_on_the_directory_is_refused(running: Foreground) -> None:
    second = command("up", data_dir=running.data_dir, api_port=free_port())

    assert second.returncode == 1
    assert second.stderr == (
        f"Error: Another `up` (process {running.process.pid}) runs on the data directory {running.data_dir}: "
        "stop it, or set SCHEDULER_DATA_DIR.\n"
    )
    assert running.is_healthy()
