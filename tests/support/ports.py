"""TCP ports for servers that may stop and come back: none that somebody's connection could take meanwhile."""

import os
import socket
from random import SystemRandom

FIRST, EACH = 20_000, 500  # below those that the system gives to connections; each process of the suite has its own
_given: set[int] = set()


def free_port() -> int:
    """One that nobody listens on, and that this process was not given before."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw24").removeprefix("gw"))
    while True:
        port = FIRST + EACH * process + SystemRandom().randrange(EACH)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
