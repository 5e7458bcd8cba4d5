"""What is heavy is imported by the work that needs it, not by the processes that wait for work."""

import subprocess
import sys

import pytest

HEAVY = ("duckdb", "pyarrow", "sqlglot", "polars", "typst", "vl_convert", "xlsxwriter", "python_calamine")


@pytest.mark.parametrize(
    "module", ["scheduler_service.worker.app", "scheduler_service.api.app", "scheduler_service.cli.main"]
)
def test_a_process_starts_without_heavy_libraries(module: str) -> None:
    asked = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
