"""What lies between a client and the service: a proxy that refuses, loses answers, and cuts streams."""

from collections import deque
from dataclasses import dataclass, field

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Cut(Exception):
    """The connection broke."""


@dataclass
class Weather:
    """An application in front of another, which it reaches in fair weather."""

    app: ASGIApp
    refusals: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)
    lose_answers: int = 0
    cut_streams_after: str | None = None
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def refuse(self, status: int, *, times: int = 1, **headers: str) -> None:
        self.refusals.extend([(status, {name.replace("_", "-"): value for name, value in headers.items()})] * times)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append((scope["method"], scope["path"], headers))
        if self.refusals:
            status, said = self.refusals.popleft()
            return await PlainTextResponse("not now", status, said)(scope, receive, send)
        if self.lose_answers:
            self.lose_answers -= 1
            await self.app(scope, receive, _nothing)
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
            return await send({"type": "http.response.body", "body": b"", "more_body": True})
        streams = scope["path"].endswith("/events")
        return await self.app(scope, receive, self._cutting(send) if streams else send)

    def _cutting(self, send: Send) -> Send:
        async def cut(message: Message) -> None:
            await send(message)
            text = self.cut_streams_after
            if text is not None and text.encode() in message.get("body", b""):
                self.cut_streams_after = None
                raise Cut

        return cut


async def _nothing(_message: Message) -> None:
    """The answer is lost."""
