"""A paged JSON API as a source: its records, staged as lines of JSON."""

from collections.abc import Iterator
from typing import Any

import httpx

from scheduler_service.workloads.collect.bodies import Finder, json_of
from scheduler_service.workloads.collect.cursors import Progress, progress_of
from scheduler_service.workloads.collect.definitions import HttpSource
from scheduler_service.workloads.collect.fetching import shown
from scheduler_service.workloads.collect.http_places import Place, Reach, fetching
from scheduler_service.workloads.collect.paging import Page, pager_for, walk
from scheduler_service.workloads.collect.shapes import RecordWriter
from scheduler_service.workloads.collect.staging import Staged, Work


def stage(source: HttpSource, work: Work, began: Any, reach: Reach) -> Staged:
    """Read every page into one file. `began` is the cursor that the last run reached."""
    place = Place.of(source, reach.connections)
    progress = progress_of(source.incremental, work, began)
    url = _with_params(place.url, source, progress)
    with RecordWriter(work.folder / "records.ndjson", max_rows=work.most_rows) as writer:
        pages = 0
        for page in _pages(source, url, place, reach, work):
            pages += 1
            writer.write([record for record in page.records if progress is None or progress.takes(record)])
            work.tell(writer.rows)
            work.stop.check()
        part = writer.part()
    return Staged([part], part.rows, pages=pages, cursor=progress.cursor() if progress else None)


def _with_params(url: httpx.URL, source: HttpSource, progress: Progress | None) -> httpx.URL:
    params: dict[str, Any] = dict(source.params)
    if source.incremental and progress and (value := progress.asks_from()) is not None:
        params[source.incremental.param] = value
    return url.copy_merge_params(params)


def _pages(source: HttpSource, url: httpx.URL, place: Place, reach: Reach, work: Work) -> Iterator[Page]:
    finder = Finder(source.records)
    with fetching(
        place,
        reach.outbound_allow,
        clock=work.clock,
        stop=work.stop,
        retry=source.retry,
        headers=source.headers,
        timeout_seconds=source.timeout_seconds,
    ) as fetcher:

        def get(url: httpx.URL) -> Page:
            answer = fetcher.get(url)
            body = json_of(answer, fetcher.excerpt(answer.body))
            return Page(answer.url, answer.headers, body, finder.records(body, shown(answer.url)))

        yield from walk(pager_for(source.paging, url), get)
