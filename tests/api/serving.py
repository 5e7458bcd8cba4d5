"""The API over real HTTP: one server for all tests, which shows each test its own application."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import httpx
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

KEY = "a key that only tests know"


class Server:
    """A running server whose application can be exchanged."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._dispatch, port=0, interface="asgi3", lifespan="off", log_level="error", proxy_headers=False
            )
        )

    @property
    def url(self) -> str:
        host, port = self._server.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    def client(self, *, key: str | None = KEY) -> httpx.Client:
        """A client of the application's API."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=120)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)

    @contextmanager
    def running(self) -> Iterator["Server"]:
        thread = Thread(target=self._server.run, daemon=True)
        thread.start()
        while not self._server.started:
            time.sleep(0.005)
        yield self
        self._server.should_exit = True
        thread.join(5)
