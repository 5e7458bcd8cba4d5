"""A TCP road to a server that can be slow, silent or cut, as a network can."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

CHUNK = 65_536


class Link:
    """Forwards bytes both ways. `delay` (seconds) holds each answer up; while `silent`, no answer comes at all."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self.delay = 0.0
        self._connect = connect
        self._speaking = Event()
        self._speaking.set()
        self._over = Event()
        self._cut_after: bytes | None = None
        self.was_cut = Event()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @contextmanager
    def silent(self) -> Iterator[None]:
        """What is asked arrives; what is answered waits until the block ends."""
        self._speaking.clear()
        try:
            yield
        finally:
            self._speaking.set()

    def cut_after(self, words: bytes) -> None:
        """Once: when these words are asked, let them through, and end the connection before the answer."""
        self.was_cut.clear()
        self._cut_after = words

    def serve(self) -> None:
        with suppress(OSError):  # closed: that is the end
            while True:
                near, _ = self._listener.accept()
                self._join(near, self._connect())

    def close(self) -> None:
        self._over.set()
        self._speaking.set()
        for each in (self._listener, *self._sockets):
            _end(each)

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        self._sockets += [near, far]
        cut = Event()
        Thread(target=self._ask, args=(near, far, cut), daemon=True).start()
        Thread(target=self._answer, args=(far, near, cut), daemon=True).start()

    def _ask(self, near: socket.socket, far: socket.socket, cut: Event) -> None:
        with suppress(OSError):
            while asked := near.recv(CHUNK):
                if self._cut_after is not None and self._cut_after in asked:
                    self._cut_after = None
                    cut.set()
                far.sendall(asked)
        _end(far)

    def _answer(self, far: socket.socket, near: socket.socket, cut: Event) -> None:
        with suppress(OSError):
            while answered := far.recv(CHUNK):
                if cut.is_set():
                    self.was_cut.set()
                    break
                self._over.wait(self.delay)
                self._speaking.wait()
                near.sendall(answered)
        for each in (near, far):
            _end(each)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextmanager
def link_to(url: str) -> Iterator[Link]:
    """A link to the server of a URL; `host=` in its query names a folder with a PostgreSQL's socket."""
    parts = urlsplit(url)
    folder = parse_qs(parts.query).get("host")
    opened = Link(lambda: _unix(folder[0]) if folder else socket.create_connection((parts.hostname, parts.port)))
    thread = Thread(target=opened.serve, daemon=True)
    thread.start()
    yield opened
    opened.close()
    thread.join(5)


def _unix(folder: str) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX)
    opened.connect(f"{folder}/.s.PGSQL.5432")
    return opened
