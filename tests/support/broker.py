"""A real Valkey (or Redis), started by the tests, that can be stopped, frozen, wiped and set back to a backup."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis, RedisError

from scheduler_service.cli.valkey import find_server
from tests.support.ports import free_port
from tests.support.waiting import eventually

KEPT = "appendonlydir"


class Broker:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port = free_port()
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

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Away for as long as the block takes; it keeps what it had."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its connections, and answers nobody."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def back_up(self, copy: Path) -> None:
        """Copy what it keeps, as of now."""
        with self.client() as client:
            client.incr("backups")  # what is waited for: that this, and so all before it, is in the file
            client.execute_command("WAITAOF", 1, 0, 10_000)
        shutil.copytree(self._directory / KEPT, copy)

    def restore(self, copy: Path) -> None:
        """Replace what it keeps, while it is stopped."""
        shutil.rmtree(self._directory / KEPT)
        shutil.copytree(copy, self._directory / KEPT)

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
    try:
        yield server
    finally:
        server.stop()
