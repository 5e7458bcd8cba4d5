"""The route of the live stream.

The one coroutine among the routes: a thread for each reader would leave none for the others.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Request
from fastapi import Query as FromQuery
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, BeforeValidator, Field

from scheduler_service.api.audit import AuditEventOut
from scheduler_service.api.run_schemas import RunOut
from scheduler_service.services import events
from scheduler_service.services.events import Feed, Message, Reader, Shown, Wanted
from scheduler_service.services.fields import Id
from scheduler_service.storage.session import Database

router = APIRouter(tags=["events"])

HEARTBEAT_SECONDS = 12.0  # under the 15 s after which FastAPI would send one without our id
RENEWED_AFTER_SECONDS = 900.0  # a key that is revoked meanwhile opens no other
DESCRIPTION = "A stream of `run` events, each a run as in its list, and `schedule` events, each as in the audit trail"


def feed_of(database: Database) -> Feed:
    """The feed of an application."""
    return Feed(
        database,
        Shown(
            run=lambda run: RunOut.of(run).model_dump_json(),
            schedule=lambda event: AuditEventOut.of(event).model_dump_json(),
        ),
    )


def _parts(given: object) -> object:
    """`types=run,schedule` as well as `types=run&types=schedule`."""
    return [part for value in given for part in str(value).split(",")] if isinstance(given, list) else given


class EventQuery(BaseModel):
    """Which changes."""

    model_config = {"extra": "forbid"}

    types: Annotated[list[Literal["run", "schedule"]], BeforeValidator(_parts), Field(min_length=1, max_length=2)] = (
        Field(default=["run", "schedule"], description="Also as one value: run,schedule")
    )
    schedule_id: Id | None = None

    def wanted(self) -> Wanted:
        """The filter."""
        return Wanted(frozenset(self.types), self.schedule_id)


class Listening:
    """A reader of the feed, on the loop of its request."""

    def __init__(self, feed: Feed, wanted: Wanted) -> None:
        self._feed, self._woken, self._loop = feed, asyncio.Event(), asyncio.get_running_loop()
        self._reader = Reader(wanted, self._wake)
        self._ends_at = self._loop.time() + RENEWED_AFTER_SECONDS

    async def join(self, last_id: str | None) -> None:
        await run_in_threadpool(self._feed.join, self._reader, last_id=last_id)

    def leave(self) -> None:
        self._feed.leave(self._reader)

    async def messages(self) -> AsyncIterator[ServerSentEvent]:
        """What there is to send, until the end; where nothing is, now and then a sign of life with a place to go on."""
        while True:
            self._woken.clear()
            messages, position = self._reader.take()
            for message in messages:
                yield _sent(message)
                if message.is_last:
                    return
            if messages:
                continue
            if self._loop.time() > self._ends_at:
                yield ServerSentEvent(event="end", id=position, data={"reason": "it is to be renewed; go on from here"})
                return
            yield ServerSentEvent(comment="listening", id=position)
            await self._sleep()

    def _wake(self) -> None:
        """From whichever thread has something to tell."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)

    async def _sleep(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), HEARTBEAT_SECONDS)
        except TimeoutError:
            return


async def _listening(
    request: Request,
    query: Annotated[EventQuery, FromQuery()],
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event that was read: nothing after it is left out")
    ] = None,
) -> AsyncIterator[Listening]:
    listening = Listening(request.app.state.feed, query.wanted())
    try:
        await listening.join(last_event_id)
        yield listening
    finally:
        listening.leave()


@router.get(
    "/events",
    response_class=EventSourceResponse,
    responses={200: {"description": DESCRIPTION, "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream_events(listening: Annotated[Listening, Depends(_listening)]) -> AsyncIterator[ServerSentEvent]:
    """Follow changes of runs and schedules as they happen (server-sent events).

    After a break send the last `id` as `Last-Event-ID`: what changed meanwhile comes first, some of it perhaps again.
    An event `reset` means that too much changed to be sent: read the lists; `end`, that the stream is over: come again.
    """
    async for message in listening.messages():
        yield message


def _sent(message: Message) -> ServerSentEvent:
    return ServerSentEvent(
        id=events.as_id(message.position), event=message.event, raw_data=message.data, comment=message.comment
    )
