"""As many requests at once as the database has connections for; the others wait their turn, in order.

A request gives its thread back between its steps and keeps its connection. Were there more requests than connections,
those that have one would wait for a thread, and the threads for a connection: with 60 clients all stood still until
the pool's 30 seconds were over. On SQLite writers wait here for each other, since its own waiting is polling, and
unfair: of 60 writers some had waited for 10 seconds and were told that the database is away.
"""

from asyncio import Semaphore

from starlette.types import ASGIApp, Message, Receive, Scope, Send

READERS, WRITERS = 12, 8  # together fewer than the connections of the pool
READING_METHODS = ("GET", "HEAD", "OPTIONS")
STREAM = b"text/event-stream"


class Turnstile:
    """Lets requests in, those `apart` without waiting."""

    def __init__(self, app: ASGIApp, *, apart: tuple[str, ...], one_writer: bool) -> None:
        self._app, self._apart = app, apart
        self._readers, self._writers = Semaphore(READERS), Semaphore(1 if one_writer else WRITERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self._apart):
            return await self._app(scope, receive, send)
        turn = Turn(self._readers if scope["method"] in READING_METHODS else self._writers)

        async def send_on(message: Message) -> None:
            if _begins_a_stream(message):
                turn.give_back()
            await send(message)

        await turn.take()
        try:
            return await self._app(scope, receive, send_on)
        finally:
            turn.give_back()


class Turn:
    """One of the turns there are; a stream, which may be open for days, gives it back when it begins."""

    def __init__(self, turns: Semaphore) -> None:
        self._turns, self._is_taken = turns, False

    async def take(self) -> None:
        await self._turns.acquire()
        self._is_taken = True

    def give_back(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._turns.release()


def _begins_a_stream(message: Message) -> bool:
    if message["type"] != "http.response.start":
        return False
    return any(name.lower() == b"content-type" and value.startswith(STREAM) for name, value in message["headers"])
