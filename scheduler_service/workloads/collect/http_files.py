"""A file at a URL as a source: brought here first, then read like any other."""

from pathlib import PurePosixPath
from typing import Any

from scheduler_service.workloads.collect.definitions import HttpFileSource
from scheduler_service.workloads.collect.fetching import LARGEST_RUN
from scheduler_service.workloads.collect.files import Bench, opened
from scheduler_service.workloads.collect.http_places import Place, Reach, fetching
from scheduler_service.workloads.collect.paths import format_of
from scheduler_service.workloads.collect.staging import Staged, Work


def stage(source: HttpFileSource, work: Work, reach: Reach) -> Staged:
    """Bring the file into the folder, and read it. What it is, its URL's ending tells, unless the source does."""
    place = Place.of(source, reach.connections)
    name = PurePosixPath(place.url.path).name
    kind = source.format or format_of([name])
    params: dict[str, Any] = dict(source.params)
    brought = work.folder / "brought"
    with (
        fetching(
            place,
            reach.outbound_allow,
            clock=work.clock,
            stop=work.stop,
            retry=source.retry,
            headers=source.headers,
            timeout_seconds=source.timeout_seconds,
            accept="*/*",
            largest_body=LARGEST_RUN,
        ) as fetcher,
        brought.open("w+b") as file,
    ):
        fetcher.get(place.url.copy_merge_params(params) if params else place.url, into=file)
    bench = Bench(source, kind, work)
    with opened(brought, name=name or "the file") as file_there:
        bench.stage(file_there, file_there.state())
    return Staged(bench.parts, bench.rows, files=())
