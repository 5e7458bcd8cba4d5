"""What a page of the console costs the server, and whether it costs more over many schedules and runs than over few.

Each page is asked for some times by one reader, after it was warmed up, of both services by turns; the numbers are the
95th percentiles, and how often the larger service's is the smaller's. And what a browser loads at first, compressed.
"""

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

import httpx
from sqlalchemy import text

from benchmarks.parts import Parts, given_schedules
from scheduler_service.storage import tallies
from scheduler_service.storage.session import Database
from tests.support.api_client import KEY, api_of
from tests.support.processes import site

SIZES = (1_000, 100_000)
RUNS_EACH = 10
WARM, TIMES = 3, 40
MOST_TIMES_AS_LONG, LARGEST_FIRST_LOAD = 2, 150_000
#: Of a month: nearly all went well; some failed, some were never sent, and a few go on, of any size alike.
RUNS = """
INSERT INTO task_run (id, periodic_task_id, schedule_name, kind, task, args, kwargs, options, revision, origin, state,
  occurrence_at, fire_at, decided_at, decided_by, published_at, started_at, finished_at, worker)
SELECT gen_random_uuid(), s.id, s.name, s.kind, s.task, s.args, s.kwargs, '{}', 1, 'auto', r.state,
  r.at, r.at, r.at, 'bench', r.at, r.at + interval '80 ms',
  CASE WHEN r.state <> 'running' THEN r.at + interval '9 s' END, 'bench@here'
FROM periodic_task s, LATERAL (
  SELECT now() - (n + random()) * interval '3 days' AS at, CASE WHEN n = 0 AND s.id % (:size / 10) = 0 THEN 'running'
    WHEN random() < 0.01 THEN 'failed' WHEN random() < 0.005 THEN 'missed' ELSE 'succeeded' END AS state
  FROM generate_series(0, :each - 1) n WHERE s.id > 0) r
"""
#: So many that a page of them is full in either size.
SOME_PAUSED = """
UPDATE periodic_task SET enabled = false, paused_reason = 'bench', audited_writes = audited_writes + 1 WHERE id % 20 = 0
"""
#: As many of any size: found by words, they fill a page.
SOME_DESCRIBED = """
UPDATE periodic_task SET description = 'the rare ones', audited_writes = audited_writes + 1 WHERE id % (:size / 100) = 0
"""
#: Each is run by a schedule, whose argument it is.
COLLECT_TASKS = """
INSERT INTO collect_task (name, definition) SELECT 'bench ' || n, '{"dataset": "bench", "mode": "append",
  "source": {"type": "http", "url": "https://shop.example/api/orders", "records": "$.items"}}'
FROM generate_series(1, :size / 10) n
"""
MOVES = """
INSERT INTO move (periodic_task_id, source, source_kind, source_id, name, state, shadow_since)
SELECT CASE WHEN s.id % 4 > 0 THEN s.id END, 'postgresql://old' || s.id % 3 || '/jobs', 'apscheduler', s.id, s.name,
  (ARRAY['planned', 'shadow', 'shadow', 'live'])[s.id % 4 + 1], CASE WHEN s.id % 4 > 0 THEN now() END
FROM periodic_task s
"""
PAGES = (
    "/", "/overview/standing", "/overview/now", "/overview/weeks", "/overview/ruler",
    "/schedules", "/schedules?state=paused", "/schedules?sort=-last_run_at", "/schedules?q=bench+77",
    "/schedules?q=rare", "/schedules?q=nowhere", "/schedules?failing=true",
    "/schedules/{schedule}", "/schedules/new", "/schedules/{schedule}/edit",
    "/runs", "/runs?state=failed", "/runs/{run}", "/backfills",
    "/work", "/work/collect-tasks", "/work/collect-tasks/1", "/work/pipelines", "/work/reports", "/work/artifacts",
    "/work/datasets", "/work/connections",
    "/system", "/system/calendars", "/system/keys", "/system/audit", "/system/doctor", "/system/moves",
)  # fmt: skip
_LOADED = re.compile(r'(?:src|href)="(/static/[^"#]+)')


def console(parts: Parts) -> list[str]:
    """The 95th percentile of each page, in both sizes; and the bytes of a first load."""
    with _reader(parts, SIZES[0]) as (few, in_few), _reader(parts, SIZES[1]) as (many, in_many):
        took = {page: _p95s((few, page.format_map(in_few)), (many, page.format_map(in_many))) for page in PAGES}
        loaded = _first_load(many)
    lines = [
        f"console {page}: p95 {quick * 1000:.0f} ms of {SIZES[0]} schedules, {slow * 1000:.0f} ms of {SIZES[1]}: "
        f"{slow / quick:.2f} times (at most {MOST_TIMES_AS_LONG})"
        for page, (quick, slow) in took.items()
    ]
    return [*lines, f"console first load: {loaded} bytes compressed (at most {LARGEST_FIRST_LOAD})"]


def _given_runs(database: Database, size: int) -> dict[str, object]:
    """A month of them, tallied as a Beat would have done; a schedule and a run from the middle."""
    with database.transaction() as session:
        session.execute(text(RUNS), {"each": RUNS_EACH, "size": size})
        for given in (SOME_PAUSED, SOME_DESCRIBED, COLLECT_TASKS, MOVES):
            session.execute(text(given), {"size": size})
    tallies.tally(database)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        run = "SELECT id FROM task_run WHERE periodic_task_id = :schedule AND state = 'succeeded' LIMIT 1"
        schedule = connection.scalar(text("SELECT max(id) / 2 + 1 FROM periodic_task"))
        return {"schedule": schedule, "run": connection.scalar(text(run), {"schedule": schedule})}


@contextmanager
def _reader(parts: Parts, size: int) -> Iterator[tuple[httpx.Client, dict[str, object]]]:
    """Somebody who has signed in to a service of this size, and what there is to look at."""
    with parts.database() as database, TemporaryDirectory() as logs:
        given_schedules(database, size, due_in="1 day", apart="100 ms")
        ids = _given_runs(database, size)
        with site(database.url.render_as_string(hide_password=False), parts.broker.url, Path(logs)) as started:
            started.env |= {"SCHEDULER_RATE_LIMIT_KEY": "0", "SCHEDULER_RATE_LIMIT_ADDRESS": "0"}
            with api_of(started) as api:
                origin = str(api.base_url).partition("/api/")[0]
                with httpx.Client(base_url=origin, timeout=60, headers={"Origin": origin}) as reader:
                    assert reader.post("/sign-in", data={"key": KEY}).status_code == 303
                    yield reader, ids


def _p95s(*asked: tuple[httpx.Client, str]) -> list[float]:
    """Of each in seconds; asked by turns, so that whatever else the machine does is in all of them."""
    took: list[list[float]] = [[] for _ in asked]
    for turn in range(WARM + TIMES):
        for place, (reader, page) in enumerate(asked):
            began = perf_counter()
            answer = reader.get(page)
            seconds = perf_counter() - began
            assert answer.status_code == 200, f"{page}: {answer.status_code} {answer.text[-500:]}"
            if turn >= WARM:
                took[place].append(seconds)
    return [quantiles(one, n=20)[-1] for one in took]


def _first_load(reader: httpx.Client) -> int:
    """The overview and all that it loads, as it comes over the wire."""
    page = reader.get("/").text
    files = {name.replace("&amp;", "&") for name in _LOADED.findall(page)}
    return len(gzip.compress(page.encode())) + sum(_wire_bytes(reader, name) for name in files)


def _wire_bytes(reader: httpx.Client, name: str) -> int:
    with reader.stream("GET", name, headers={"Accept-Encoding": "gzip"}) as answer:
        return sum(len(piece) for piece in answer.iter_raw())
