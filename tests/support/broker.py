"""A real Valkey (or Redis), started by the tests, that can be stopped, wiped and started again."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis, RedisError

from scheduler_service.cli.valkey import find_server
from tests.support.waiting import eventually


class Broker:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._directory), "--save", ""]
        options += ["--appendonly", "yes", "--maxmemory-policy", "noeviction"]
        self._process = subprocess.Popen([find_server(), *options], stdout=subprocess.DEVNULL)
        eventually(self.answers, within=10)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except RedisError:
            return False

    def client(self) -> Redis:
        return Redis.from_url(self.url)

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    def queued(self, queue: str) -> int:
        with self.client() as client:
            length: int = client.llen(queue)
            return length


@contextmanager
def broker_server(directory: Path) -> Iterator[Broker]:
    server = Broker(directory)
    server.start()
    yield server
    server.stop()
