"""Requests that are done once: `Idempotency-Key`.

`router = APIRouter(route_class=OnceRoute)`, and on a route `dependencies=[once]` where its work is one transaction,
or a parameter of the type `BatchOnce` where it is several.
"""

from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from pydantic import StringConstraints
from starlette.concurrency import run_in_threadpool

from scheduler_service.api.auth import Calling
from scheduler_service.api.dependencies import DatabaseDep, Now, Writing
from scheduler_service.services import idempotency
from scheduler_service.services.idempotency import Answer, Batch, Keyed

REPLAYED = "Idempotency-Replayed"
#: What an answer says beside its body.
KEPT_HEADERS = ("location", "etag", "content-type", "content-language", "vary")

Finish = Callable[[Answer], None]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _AnsweredBefore(Exception):
    """There is nothing to do: this was the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class OnceRoute(APIRoute):
    """Keeps the answer of a request with a key, in the transaction of its work, and gives it to a repeat."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            try:
                response = await handle(request)
            except _AnsweredBefore as found:
                answer = found.answer
                return Response(answer.body, answer.status, {**answer.headers, REPLAYED: "true"})
            finish: Finish | None = getattr(request.state, "finish", None)
            if finish is not None:
                headers = {name: value for name, value in response.headers.items() if name in KEPT_HEADERS}
                body = bytes(response.body).decode()
                await run_in_threadpool(finish, Answer(response.status_code, headers, body))
            return response

        return once


async def _fingerprint(request: Request) -> str:
    """What makes two requests the same."""
    body = await request.body()
    place = f"{request.method} {request.url.path}?{request.url.query} "
    return sha256(place.encode() + body).hexdigest()


def _keyed(
    calling: Calling,
    fingerprint: Annotated[str, Depends(_fingerprint)],
    idempotency_key: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")] | None,
        Header(description="A new one for each thing to be done: a repeat within 24 hours gets the first answer"),
    ] = None,
) -> Keyed | None:
    return None if idempotency_key is None else Keyed(calling.actor, idempotency_key, fingerprint)


Key = Annotated[Keyed | None, Depends(_keyed)]


def _once(request: Request, session: Writing, keyed: Key, now: Now) -> None:
    if keyed is None:
        return
    answer = idempotency.begin(session, keyed, now=now)
    if answer is not None:
        raise _AnsweredBefore(answer)
    request.state.finish = lambda answer: idempotency.finish(session, keyed, answer)


def _batch_once(request: Request, database: DatabaseDep, keyed: Key, now: Now) -> Any:
    begun = idempotency.begin_batch(database, keyed, now=now)
    if isinstance(begun, Answer):
        raise _AnsweredBefore(begun)
    if keyed is None:
        yield begun
        return
    request.state.finish = lambda answer: idempotency.finish_batch(database, keyed, answer)
    with idempotency.given_back(database, keyed, now=now):
        yield begun


once = Depends(_once)
BatchOnce = Annotated[Batch, Depends(_batch_once, scope="function")]
