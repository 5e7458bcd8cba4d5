"""Whether the warehouse's role is as weak as it should be."""

from pathlib import Path

from sqlalchemy.engine import make_url

from scheduler_service.services.doctor import warehouse_findings
from scheduler_service.workloads.warehouse import Warehouse
from scheduler_service.workloads.warehouse_postgresql import PostgresWarehouse


def test_a_role_that_owns_nothing_but_the_warehouse_is_right(weak_postgres: PostgresWarehouse, tmp_path: Path) -> None:
    assert warehouse_findings(weak_postgres) == []
    assert warehouse_findings(Warehouse(tmp_path / "warehouse.duckdb")) == []


def test_the_role_of_the_service_is_told(postgres_url: str) -> None:
    (found,) = warehouse_findings(PostgresWarehouse(postgres_url))

    assert found.code == "warehouse_role"
    assert "which is a superuser" in found.sentence


def test_a_role_that_may_read_the_tables_of_the_service_is_told(
    weak_postgres: PostgresWarehouse, postgres_url: str
) -> None:
    import psycopg

    role = make_url(weak_postgres._url).username
    service = make_url(postgres_url).set(drivername="postgresql")
    with psycopg.connect(service.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(f"GRANT SELECT ON api_key TO {role}")  # type: ignore[call-overload, unused-ignore]
        try:
            url = service.set(username=role, password="etl").render_as_string(hide_password=False)
            (found,) = warehouse_findings(PostgresWarehouse(url))
        finally:
            connection.execute(f"REVOKE ALL ON api_key FROM {role}")  # type: ignore[call-overload, unused-ignore]

    assert "which may read the tables of this service" in found.sentence


def test_a_warehouse_that_is_away_is_told() -> None:
    (found,) = warehouse_findings(PostgresWarehouse("postgresql://nobody:secret@127.0.0.1:1/none"))

    assert found.code == "warehouse_away"
    assert "secret" not in f"{found}"
