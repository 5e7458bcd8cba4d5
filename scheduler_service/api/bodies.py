"""A bound on what a request may carry, said before anything is parsed."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scheduler_service.api.problems import problem

LARGEST_BODY = 1024 * 1024
LARGEST_FILE = 32 * 1024 * 1024  # some 100,000 schedules


class BodyLimit:
    """Reads the body, up to the bound, before the app sees the request."""

    def __init__(self, app: ASGIApp, *, files: tuple[str, ...] = ()) -> None:
        """`files`: paths that take more."""
        self._app, self._files = app, files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        largest = LARGEST_FILE if scope["path"] in self._files else LARGEST_BODY
        messages = await self._read(scope, receive, largest)
        if messages is None:
            detail = f"A body may have {largest} bytes."
            return await problem(413, detail, code="body_too_large")(scope, receive, send)
        waiting = iter(messages)

        async def replay() -> Message:
            return next(waiting, None) or await receive()

        return await self._app(scope, replay, send)

    async def _read(self, scope: Scope, receive: Receive, largest: int) -> list[Message] | None:
        """The messages of the body; None when it is too large."""
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > largest:
            return None
        messages, size = [], 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > largest:
                return None
            if message["type"] != "http.request" or not message.get("more_body", False):
                return messages
