"""A process that runs one collect, and stops for good where a test wants to kill it.

`python -m tests.workloads.one_collect <JSON>`: folder, definition, run_id, attempt, and `hang`: `before_commit`,
`after_commit` or null. It prints `there` where it hangs, else its outcome.
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
from scheduler_service.workloads.warehouse import Warehouse


class Hanging(Warehouse):
    """A warehouse at whose commit time stands still."""

    hang: str | None = None

    @contextmanager
    def transaction(self, *, write: bool = True, **more: Any) -> Iterator[Any]:
        with super().transaction(write=write, **more) as connection:
            yield connection
            if write and self.hang == "before_commit":
                stand_still()
        if write and self.hang == "after_commit":
            stand_still()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def stand_still() -> None:
    say("there")
    time.sleep(600)


def main(asked: dict[str, Any]) -> None:
    folder = Path(asked["folder"])
    warehouse = Hanging(folder / "warehouse.duckdb")
    warehouse.hang = asked.get("hang")
    outcome = collect(
        CollectDefinition.model_validate(asked["definition"]),
        task_id=asked.get("task_id", 1),
        run_id=asked["run_id"],
        attempt=asked.get("attempt", 1),
        site=CollectSite(warehouse, folder / "staging", SystemClock(), file_roots=[folder / "inbox"]),
    )
    say(json.dumps(outcome.as_dict()))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
