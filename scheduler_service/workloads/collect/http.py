"""A paged JSON API as a source: its records, staged as lines of JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from scheduler_service.errors import ConnectionUnknown
from scheduler_service.timing.clock import Clock
from scheduler_service.workloads.collect.bodies import Finder, json_of
from scheduler_service.workloads.collect.cursors import Progress
from scheduler_service.workloads.collect.definitions import Connection, HttpSource
from scheduler_service.workloads.collect.fetching import Fetcher, Manners, origin_of, shown
from scheduler_service.workloads.collect.guard import GuardedTransport
from scheduler_service.workloads.collect.paging import Page, pager_for, walk
from scheduler_service.workloads.collect.shapes import RecordWriter
from scheduler_service.workloads.collect.staging import Cursor, Staged, Task
from scheduler_service.workloads.stopping import Stop

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Reach:
    """What requests may lead to, and with which secrets."""

    connections: Mapping[str, Connection]
    outbound_allow: Sequence[str]
    clock: Clock


@dataclass(frozen=True)
class Place:
    """Where a source is. Only a named connection has a token, and the right to be at a private address."""

    url: httpx.URL
    token: str | None = field(default=None, repr=False)
    allow: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: HttpSource, connections: Mapping[str, Connection]) -> "Place":
        if source.connection is None:
            return cls(httpx.URL(source.url or ""))
        if (connection := connections.get(source.connection)) is None:
            raise ConnectionUnknown(source.connection)
        base = httpx.URL(connection.url)
        path = f"{base.path.rstrip('/')}/{source.path.lstrip('/')}" if source.path else base.path
        token = connection.token.get_secret_value() if connection.token else None
        host = base.raw_host.decode()
        host = f"[{host}]" if ":" in host else host
        return cls(base.copy_with(path=path), token, (f"{host}:{base.port or PORTS[base.scheme]}",))


def stage(source: HttpSource, task: Task, began: Any, folder: Path, reach: Reach, stop: Stop) -> Staged:
    """Read every page into one file of `folder`. `began` is the cursor that the last run reached."""
    place = Place.of(source, reach.connections)
    progress = _progress(source, task, began, reach.clock)
    url = place.url.copy_merge_params(_params(source, progress))
    with RecordWriter(folder / "records.ndjson", max_rows=task.definition.max_rows) as writer:
        pages = 0
        for page in _pages(source, url, place, reach, stop):
            pages += 1
            writer.write([record for record in page.records if progress is None or progress.takes(record)])
            stop.check()
        part = writer.part()
    cursor = Cursor(progress.began, progress.reached) if progress else None
    return Staged([part], part.rows, pages=pages, cursor=cursor)


def _progress(source: HttpSource, task: Task, began: Any, clock: Clock) -> Progress | None:
    if source.incremental is None:
        return None
    return Progress(source.incremental, began=began, appending=task.definition.mode == "append", now=clock.now())


def _params(source: HttpSource, progress: Progress | None) -> dict[str, Any]:
    params: dict[str, Any] = dict(source.params)
    if source.incremental and progress and (value := progress.asks_from()) is not None:
        params[source.incremental.param] = value
    return params


def _pages(source: HttpSource, url: httpx.URL, place: Place, reach: Reach, stop: Stop) -> Iterator[Page]:
    manners = Manners(origin_of(url), source.headers, place.token, source.retry, source.timeout_seconds)
    finder = Finder(source.records)
    transport = GuardedTransport([*reach.outbound_allow, *place.allow])
    with Fetcher(transport, manners, clock=reach.clock, stop=stop) as fetcher:

        def get(url: httpx.URL) -> Page:
            answer = fetcher.get(url)
            body = json_of(answer, fetcher.excerpt(answer.body))
            return Page(answer.url, answer.headers, body, finder.records(body, shown(answer.url)))

        yield from walk(pager_for(source.paging, url), get)
