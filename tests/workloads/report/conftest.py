"""A warehouse of each kind, with orders in it."""

from pathlib import Path

import pytest

from scheduler_service.workloads.warehouse import Warehouse
from tests.workloads.report.press import Press

ORDERS = """
CREATE TABLE orders AS
SELECT i AS id, TIMESTAMPTZ '2026-03-01 00:00:00+00' + i * INTERVAL 1 HOUR AS ordered_at,
       CASE WHEN i % 3 = 0 THEN '北京' ELSE 'Paris' END AS city, i * 1.5 AS amount, i % 2 = 0 AS paid
FROM range(48) AS numbers(i)
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse(tmp_path / "warehouse.duckdb")
    with made.transaction() as connection:
        connection.execute(ORDERS)
    return made


@pytest.fixture
def press(warehouse: Warehouse, tmp_path: Path) -> Press:
    return Press(warehouse, tmp_path / "made")
