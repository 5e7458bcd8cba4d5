"""A real HTTP server for collects to ask, on a port of its own; it remembers what it was asked."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """A response: JSON, bytes, or pieces sent one by one until the connection is closed."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Iterator[bytes] | None = None


Route = Callable[[Asked], Answer]


class Web:
    """Routes by path; what has no route is 404."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._routes: dict[str, Route] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.place}"

    def serve(self, path: str, route: Route) -> None:
        self._routes[path] = route

    def answer(self, path: str, *answers: Answer) -> None:
        """These answers, in this order; the last again and again."""
        left = list(answers)
        self.serve(path, lambda _: left.pop(0) if len(left) > 1 else left[0])

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_POST(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                asked = Asked(parts.path, dict(parse_qsl(parts.query)), headers, body)
                web.asked.append(asked)
                route = web._routes.get(parts.path)
                with suppress(BrokenPipeError, ConnectionResetError):  # the client has had enough
                    self._send(route(asked) if route else Answer({"detail": "no such page"}, 404))

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                if answer.pieces is None:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                for piece in answer.pieces or [body]:
                    self.wfile.write(piece)
                    self.wfile.flush()

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
