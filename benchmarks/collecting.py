"""A million rows of a file, against bare DuckDB; and 50,000 of a SQL table, against dlt's fastest way, in one run."""

import logging
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import duckdb
from pydantic import SecretStr
from sqlalchemy import create_engine, text

from benchmarks.parts import Parts, peak_megabytes
from scheduler_service.timing.clock import SystemClock
from scheduler_service.workloads.collect.collecting import CollectSite, collect
from scheduler_service.workloads.collect.definitions import CollectDefinition
from scheduler_service.workloads.connections import SqlConnection
from scheduler_service.workloads.warehouse import limits
from scheduler_service.workloads.warehouses import warehouse_at

FILE_ROWS, SQL_ROWS, ROUNDS = 1_000_000, 50_000, 5
MANY = (
    "SELECT range AS id, 'name ' || range AS name, range * 1.5 AS amount, TIMESTAMP '2026-01-01' + "
    f"to_seconds(range) AS at, range % 7 = 0 AS ok FROM range({FILE_ROWS})"
)
SQL_TABLE = (
    "CREATE TABLE shop AS SELECT n::bigint AS id, 'name ' || n AS name, (n * 1.5)::float8 AS amount, "
    "timestamptz '2026-01-01 00:00Z' + n * interval '1 second' AS at, n % 7 = 0 AS ok "
    f"FROM generate_series(1, {SQL_ROWS}) AS n"
)


def collecting(parts: Parts) -> list[str]:
    """Seconds, the median of some rounds, each into a new file; loading into PostgreSQL beside it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        lines = [_file_against_duckdb(folder, kind, parts) for kind in ("parquet", "csv")]
        return [*lines, _sql_against_dlt(folder, parts), f"collecting: {peak_megabytes():.0f} MB at the peak"]


def _file_against_duckdb(folder: Path, kind: str, parts: Parts) -> str:
    path = folder / f"many.{kind}"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({MANY}) TO '{path}'")
    source = {"type": "file", "path": str(path), "settle_seconds": 0}
    url = parts.postgres.create()
    bare, ours, server = _timed(
        lambda number: _bare(path, folder / f"bare.{kind}.{number}"),
        lambda number: _ours(folder / f"ours.{kind}.{number}", source, FILE_ROWS, roots=folder),
        lambda number: _ours(folder / f"pg.{kind}.{number}", source, FILE_ROWS, roots=folder, url=url),
    )
    parts.postgres.drop(url)
    return (
        f"collect {FILE_ROWS:,} rows of {kind}: {ours:.2f} s, bare DuckDB {bare:.2f} s; rate {bare / ours:.2f} of it "
        f"(at least 0.3); into PostgreSQL {server:.2f} s"
    )


def _sql_against_dlt(folder: Path, parts: Parts) -> str:
    url = parts.postgres.create()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(SQL_TABLE))
    engine.dispose()
    source = {"type": "sql", "connection": "shop", "table": "shop"}
    ways = [lambda number: _ours(folder / f"sql.{number}", source, SQL_ROWS, shop=url)]
    if find_spec("dlt") is not None:
        ways.append(lambda number: _dlt(folder / f"dlt_{number}", url))
    ours, *theirs = _timed(*ways)
    parts.postgres.drop(url)
    line = f"collect {SQL_ROWS:,} rows of a PostgreSQL table: {ours:.2f} s"
    if not theirs:
        return f"{line}; not compared: dlt is not installed (pip install 'dlt[duckdb]')"
    return f"{line}, dlt's pyarrow backend {theirs[0]:.2f} s; {theirs[0] / ours:.1f} times as fast (at least 1)"


def _timed(*ways: Callable[[int], None]) -> list[float]:
    """Seconds of each, the median of some rounds; they take turns, and the first round only warms up."""
    seconds: list[list[float]] = [[] for _ in ways]
    for number in range(ROUNDS + 1):
        for way, taken in zip(ways, seconds, strict=True):
            began = perf_counter()
            way(number)
            taken.append(perf_counter() - began)
    return [median(taken[1:]) for taken in seconds]


def _bare(path: Path, target: Path) -> None:
    """With the same limits as ours."""
    with duckdb.connect(str(target), config=limits(target.with_suffix(".tmp"))) as connection:
        connection.execute(f"CREATE TABLE things AS SELECT * FROM '{path}'")


def _ours(
    place: Path, source: dict[str, Any], rows: int, *, roots: Path | None = None, url: str | None = None, shop: str = ""
) -> None:
    connections = {"shop": SqlConnection(type="sql", url=SecretStr(shop))} if shop else {}
    site = CollectSite(
        warehouse_at(url, file=place / "warehouse.duckdb"),
        place / "staging",
        SystemClock(),
        connections,
        file_roots=[roots] if roots else [],
    )
    definition = CollectDefinition.model_validate({"dataset": "things", "mode": "replace", "source": source})
    place.mkdir()
    done = collect(definition, task_id=1, run_id=place.name, attempt=1, site=site)
    assert done.rows_written == rows


def _dlt(place: Path, url: str) -> None:
    """The way its documentation calls fastest: Arrow tables, into a DuckDB file."""
    os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"})
    import dlt  # type: ignore[import-not-found, unused-ignore]
    from dlt.sources.sql_database import sql_table  # type: ignore[import-not-found, unused-ignore]

    logging.getLogger("dlt").setLevel(logging.CRITICAL)
    destination = dlt.destinations.duckdb(str(place.with_suffix(".duckdb")))
    pipeline = dlt.pipeline(place.name, pipelines_dir=str(place), destination=destination, dataset_name="main_data")
    pipeline.run(sql_table(url, table="shop", schema="public", backend="pyarrow", chunk_size=SQL_ROWS))
