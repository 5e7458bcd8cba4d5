"""The warehouse's own record of what was collected: runs, cursors and files. Written with the rows, or not at all.

So there is no second store and no order to get wrong: whoever finds the rows finds the cursor that goes with them.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from scheduler_service.workloads.collect.engines import Engine
from scheduler_service.workloads.collect.staging import FileState, Task

BOOKS = {
    "_collect_run": "run_id VARCHAR NOT NULL, task_id BIGINT NOT NULL, dataset VARCHAR NOT NULL, attempt INTEGER "
    "NOT NULL, rows_read BIGINT NOT NULL, rows_written BIGINT NOT NULL, pages BIGINT NOT NULL, files BIGINT NOT NULL, "
    "loaded_at TIMESTAMPTZ NOT NULL",
    "_collect_state": "task_id BIGINT NOT NULL, dataset VARCHAR NOT NULL, cursor VARCHAR NOT NULL, "
    "run_id VARCHAR NOT NULL, saved_at TIMESTAMPTZ NOT NULL",
    "_collect_file": "task_id BIGINT NOT NULL, dataset VARCHAR NOT NULL, path VARCHAR NOT NULL, size BIGINT NOT NULL, "
    "mtime_ns BIGINT NOT NULL, digest VARCHAR NOT NULL, run_id VARCHAR NOT NULL",
}


@dataclass(frozen=True)
class Counts:
    """What a run brought in."""

    rows_read: int
    rows_written: int
    pages: int
    files: int
    already_loaded: bool = False


def open_books(engine: Engine) -> None:
    """Make what is missing, one process at a time."""
    if not all(engine.columns(table) for table in BOOKS):
        engine.wait_for_turn("_collect_run")
        for table, columns in BOOKS.items():
            engine.run(f"CREATE TABLE IF NOT EXISTS {engine.name(table)} ({columns})")


def finished(engine: Engine, run_id: str) -> Counts | None:
    """The counts of a run that has been loaded, or None."""
    if not engine.columns("_collect_run"):
        return None
    found = engine.rows("SELECT rows_read, rows_written, pages, files FROM _collect_run WHERE run_id = ?", [run_id])
    return replace(Counts(*found[0]), already_loaded=True) if found else None


def cursor_of(engine: Engine, task: Task) -> Any:
    """How far the task has come with its dataset; None before its first run."""
    if not engine.columns("_collect_state"):
        return None
    found = engine.rows(
        "SELECT cursor FROM _collect_state WHERE task_id = ? AND dataset = ?", [task.task_id, task.definition.dataset]
    )
    return json.loads(found[0][0]) if found else None


def ledger_of(engine: Engine, task: Task) -> frozenset[FileState]:
    """The files that the task has read into its dataset."""
    if not engine.columns("_collect_file"):
        return frozenset()
    found = engine.rows(
        "SELECT path, size, mtime_ns, digest FROM _collect_file WHERE task_id = ? AND dataset = ?",
        [task.task_id, task.definition.dataset],
    )
    return frozenset(FileState(*row) for row in found)


def forget(engine: Engine, dataset: str) -> None:
    """Drop every cursor and ledger of a dataset that is being emptied: its rows are to be read again."""
    engine.rows("DELETE FROM _collect_state WHERE dataset = ?", [dataset])
    engine.rows("DELETE FROM _collect_file WHERE dataset = ?", [dataset])


def save_cursor(engine: Engine, task: Task, cursor: Any, saved_at: datetime) -> None:
    key = [task.task_id, task.definition.dataset]
    engine.rows("DELETE FROM _collect_state WHERE task_id = ? AND dataset = ?", key)
    engine.rows(
        "INSERT INTO _collect_state VALUES (?, ?, ?, ?, CAST(? AS TIMESTAMPTZ))",
        [*key, json.dumps(cursor), task.run_id, saved_at.isoformat()],
    )


def save_files(engine: Engine, task: Task, files: Iterable[FileState]) -> None:
    for file in files:
        engine.rows(
            "INSERT INTO _collect_file VALUES (?, ?, ?, ?, ?, ?, ?)",
            [task.task_id, task.definition.dataset, file.path, file.size, file.mtime_ns, file.digest, task.run_id],
        )


def save_run(engine: Engine, task: Task, counts: Counts, loaded_at: datetime) -> None:
    engine.rows(
        "INSERT INTO _collect_run VALUES (?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TIMESTAMPTZ))",
        [
            task.run_id,
            task.task_id,
            task.definition.dataset,
            task.attempt,
            counts.rows_read,
            counts.rows_written,
            counts.pages,
            counts.files,
            loaded_at.isoformat(),
        ],
    )
