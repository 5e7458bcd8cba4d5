"""The warehouse's own record of pipelines: finished runs, and which table is whose. Written with the tables, or not
at all."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scheduler_service.workloads.etl.tables import Tables

EVERY_PIPELINE = 0
KEPT = timedelta(days=90)
WHAT = "the record of pipelines"
BOOKS = {
    "_etl_run": "run_id VARCHAR PRIMARY KEY, pipeline_id BIGINT NOT NULL, outcome VARCHAR NOT NULL, "
    "finished_at TIMESTAMPTZ NOT NULL",
    "_etl_table": "name VARCHAR PRIMARY KEY, pipeline_id BIGINT NOT NULL, kind VARCHAR NOT NULL, "
    "sql VARCHAR NOT NULL, run_id VARCHAR NOT NULL, built_at TIMESTAMPTZ NOT NULL",
}


@dataclass(frozen=True)
class Made:
    """A table or view that a pipeline made: how."""

    kind: str
    sql: str


class Books:
    """The record, within the transaction of a run."""

    def __init__(self, tables: Tables) -> None:
        self._engine, self._name = tables.engine, tables.name
        if not BOOKS.keys() <= tables.names():
            tables.wait_for_turn(EVERY_PIPELINE)  # two at once would both find none
            for table, columns in BOOKS.items():
                self._engine.execute(WHAT, f"CREATE TABLE IF NOT EXISTS {self._name(table)} ({columns})")

    def finished(self, run_id: str) -> dict[str, Any] | None:
        """The outcome of a run that is done, or None."""
        found = self._execute("SELECT outcome FROM {_etl_run} WHERE run_id = {:run_id}", run_id=run_id).fetchone()
        return dict(json.loads(found[0])) if found else None

    def made(self) -> dict[str, Made]:
        """All that pipelines have made."""
        found = self._execute("SELECT name, kind, sql FROM {_etl_table}").fetchall()
        return {name: Made(kind, sql) for name, kind, sql in found}

    def note(self, name: str, made: Made, *, pipeline_id: int, run_id: str, at: datetime) -> None:
        """A pipeline has made it."""
        self._execute("DELETE FROM {_etl_table} WHERE name = {:name}", name=name)
        self._execute(
            "INSERT INTO {_etl_table} VALUES ({:name}, {:pipeline_id}, {:kind}, {:sql}, {:run_id}, {:at})",
            **{"name": name, "pipeline_id": pipeline_id, "run_id": run_id, "at": at, **vars(made)},
        )

    def close(self, run_id: str, outcome: dict[str, Any], *, pipeline_id: int, at: datetime) -> None:
        """The run is done; those of long ago, which nobody repeats, are forgotten."""
        self._execute("DELETE FROM {_etl_run} WHERE finished_at < {:before}", before=at - KEPT)
        self._execute(
            "INSERT INTO {_etl_run} VALUES ({:run_id}, {:pipeline_id}, {:outcome}, {:at})",
            run_id=run_id,
            pipeline_id=pipeline_id,
            outcome=json.dumps(outcome),
            at=at,
        )

    def _execute(self, statement: str, **values: Any) -> Any:
        """A statement with {_table} for a table of the record, and {:name} for a value."""
        for table in BOOKS:
            statement = statement.replace(f"{{{table}}}", self._name(table))
        for name in values:
            statement = statement.replace(f"{{:{name}}}", self._engine.place(name))
        return self._engine.execute(WHAT, statement, values)
