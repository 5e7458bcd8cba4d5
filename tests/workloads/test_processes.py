"""Real processes on one warehouse: at once, and killed."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.collects import Place

pytestmark = pytest.mark.on_each_warehouse

ROOT = Path(__file__).parents[2]
ROWS = 20_000
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(place: Place) -> Iterator[Start]:
    """Start a process that collects one CSV file into `things`."""
    place.write("things.csv", "id,v\n" + "".join(f"{number},x{number}\n" for number in range(ROWS)))
    source = {"type": "file", "path": "things.csv", "incremental": True, "settle_seconds": 0}
    started: list[subprocess.Popen[str]] = []

    def start(run_id: str, **more: Any) -> "subprocess.Popen[str]":
        definition = {"dataset": "things", "source": source, **more.pop("definition", {})}
        asked = {
            "folder": str(place.folder),
            "warehouse_url": place.warehouse_url,
            "definition": definition,
            "run_id": run_id,
            **more,
        }
        command = [sys.executable, "-m", "tests.workloads.one_collect", json.dumps(asked)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def outcome_of(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def kill_when_there(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "there\n", process.stderr.read() if process.stderr else line
    process.kill()
    process.wait()


def test_four_collects_at_once_into_one_warehouse_all_succeed(place: Place, start: Start) -> None:
    running = [start(f"run-{number}", task_id=number) for number in range(4)]

    outcomes = [outcome_of(process) for process in running]

    assert [outcome["rows_written"] for outcome in outcomes] == [ROWS] * 4
    assert place.warehouse.dataset("things").row_count == 4 * ROWS
    assert place.staged() == []


def test_killed_before_the_commit_nothing_is_there_and_the_repeat_completes(place: Place, start: Start) -> None:
    outcome_of(start("first"))
    place.write("things.csv", "id,v,new\n-1,y,1\n")

    kill_when_there(start("second", hang="before_commit"))

    before = place.warehouse.dataset("things")
    assert (before.row_count, before.last_run_id) == (ROWS, "first")
    assert [column.name for column in before.columns][:2] == ["id", "v"]
    assert place.staged() != []
    repeat = outcome_of(start("second", attempt=2))
    assert (repeat["rows_written"], repeat["already_loaded"]) == (1, False)
    after = place.warehouse.dataset("things")
    assert (after.row_count, after.last_run_id) == (ROWS + 1, "second")
    assert place.staged() == []


def test_killed_after_the_commit_the_repeat_makes_no_duplicates(place: Place, start: Start) -> None:
    kill_when_there(start("first", hang="after_commit"))
    place.write("things.csv", "id,v\n-1,other\n")

    assert place.staged() != []
    repeat = outcome_of(start("first", attempt=2))

    assert place.staged() == []
    assert (repeat["rows_written"], repeat["already_loaded"]) == (ROWS, True)
    assert place.warehouse.dataset("things").row_count == ROWS
    assert outcome_of(start("second"))["rows_written"] == 1


@pytest.mark.parametrize(
    "definition", [{"mode": "replace"}, {"mode": "merge", "key": ["id"]}], ids=["replace", "merge"]
)
def test_killed_before_the_commit_a_dataset_is_as_before(
    place: Place, start: Start, definition: dict[str, Any]
) -> None:
    source = {"type": "file", "path": "things.csv", "settle_seconds": 0}
    outcome_of(start("first", definition={**definition, "source": source}))
    place.write("things.csv", "id,v\n1,changed\n")

    kill_when_there(start("second", hang="before_commit", definition={**definition, "source": source}))

    assert place.warehouse.dataset("things").row_count == ROWS
    assert {row["v"] for row in place.rows()[:3]} == {"x0", "x1", "x2"}


def test_a_lock_dies_with_its_process(place: Place, start: Start) -> None:
    kill_when_there(start("first", hang="before_commit"))

    assert place.warehouse.datasets(wait_seconds=0.5) == []


def test_killed_at_any_moment_a_dataset_is_whole_and_the_repeat_completes(place: Place, start: Start) -> None:
    """The moments are spread over the time that a whole run takes; some come before its commit, some after."""
    source = {"type": "file", "path": "things.csv", "settle_seconds": 0}
    began = time.monotonic()
    outcome_of(start("whole", definition={"source": source}))
    whole, kills = time.monotonic() - began, 8

    for number in range(kills):
        process = start(f"killed-{number}", definition={"source": source})
        with suppress(subprocess.TimeoutExpired):
            process.wait(whole * random.uniform(0.3, 1.1))
        process.kill()
        process.communicate()
        assert loaded(place, "whole") == ROWS
        assert loaded(place, f"killed-{number}") in (0, ROWS)

    for number in range(kills):
        outcome_of(start(f"killed-{number}", attempt=2, definition={"source": source}))
    assert place.warehouse.dataset("things").row_count == (kills + 1) * ROWS
    assert place.staged() == []


def loaded(place: Place, run_id: str) -> int:
    with place.warehouse.transaction(write=False) as connection:
        found = connection.execute(f"SELECT count(*) FROM things WHERE _run_id = '{run_id}'").fetchone()
    return int(found[0]) if found else 0
