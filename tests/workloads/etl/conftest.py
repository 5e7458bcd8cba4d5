"""A warehouse of each kind in turn."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from scheduler_service.workloads.warehouse import Warehouse
from scheduler_service.workloads.warehouse_postgresql import PostgresWarehouse
from tests.support.postgres import Postgres
from tests.workloads.etl.pipelines import Mill

ORDERS = (
    "CREATE TABLE orders (id BIGINT, day DATE, amount DOUBLE PRECISION)",
    "INSERT INTO orders VALUES (1, '2026-03-01', 10), (2, '2026-03-01', 20), (3, '2026-03-02', 5)",
)


@pytest.fixture
def weak_postgres(postgres: Postgres) -> Iterator[PostgresWarehouse]:
    """A PostgreSQL warehouse whose role may do nothing but own its schema."""
    url = postgres.create(template="template1")
    admin = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    database = make_url(url).database
    role = f"etl_{database}"
    with psycopg.connect(admin, autocommit=True) as connection:
        for statement in (
            f"CREATE ROLE {role} LOGIN PASSWORD 'etl'",
            "REVOKE ALL ON SCHEMA public FROM public",
            f"GRANT CREATE ON DATABASE {database} TO {role}",
            "CREATE TABLE public.secrets (hash text)",
        ):
            connection.execute(statement)  # type: ignore[call-overload, unused-ignore]
    weak = make_url(admin).set(username=role, password="etl")
    yield PostgresWarehouse(weak.render_as_string(hide_password=False))
    postgres.drop(url)
    with psycopg.connect(
        make_url(admin).set(database="postgres").render_as_string(hide_password=False), autocommit=True
    ) as connection:
        connection.execute(f"DROP ROLE {role}")  # type: ignore[call-overload, unused-ignore]


@pytest.fixture(params=["duckdb", "postgresql"])
def mill(request: pytest.FixtureRequest, tmp_path: Path) -> Mill:
    """With three orders."""
    if request.param == "duckdb":
        made = Mill(Warehouse(tmp_path / "warehouse.duckdb"))
    else:
        made = Mill(request.getfixturevalue("weak_postgres"))
    made.given(*ORDERS)
    return made
