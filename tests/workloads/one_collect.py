"""A process that runs one collect, and stops for good where a test wants to kill it.

`python -m tests.workloads.one_collect <JSON>`: folder, warehouse_url, definition, run_id, attempt, and `hang`:
`before_commit`, `after_commit` or null. It prints `there` where it hangs, else its outcome.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scheduler_service.timing.clock import SystemClock
from scheduler_service.workloads.collect.collecting import CollectSite, collect
from scheduler_service.workloads.collect.definitions import CollectDefinition
from scheduler_service.workloads.warehouses import AnyWarehouse, warehouse_at


def hanging(warehouse: AnyWarehouse, hang: str | None) -> AnyWarehouse:
    """The warehouse, at whose commit time stands still."""
    transaction = warehouse.transaction

    @contextmanager
    def slow(*, write: bool = True, **more: Any) -> Iterator[Any]:
        with transaction(write=write, **more) as connection:
            yield connection
            if write and hang == "before_commit":
                stand_still()
        if write and hang == "after_commit":
            stand_still()

    warehouse.transaction = slow  # type: ignore[method-assign]
    return warehouse


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def stand_still() -> None:
    say("there")
    time.sleep(600)


def main(asked: dict[str, Any]) -> None:
    folder = Path(asked["folder"])
    warehouse = warehouse_at(asked.get("warehouse_url"), file=folder / "warehouse.duckdb")
    outcome = collect(
        CollectDefinition.model_validate(asked["definition"]),
        task_id=asked.get("task_id", 1),
        run_id=asked["run_id"],
        attempt=asked.get("attempt", 1),
        site=CollectSite(
            hanging(warehouse, asked.get("hang")), folder / "staging", SystemClock(), file_roots=[folder / "inbox"]
        ),
    )
    say(json.dumps(outcome.as_dict()))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
