"""The models, the triggers and the migrations say the same, on every database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from scheduler_service.errors import CannotStart
from scheduler_service.storage import migrating, triggers
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.session import make_engine, normalised
from tests.support.postgres import Postgres

metadata = PeriodicTask.metadata


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = make_engine(normalised(url))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.create(template="template1")


def test_migrations_make_what_the_models_say(empty_url: str) -> None:
    migrating.upgrade(empty_url)

    with connected(empty_url) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": _same_default}
        )
        assert compare_metadata(context, metadata) == []


def test_every_constraint_and_index_is_the_same_as_in_the_models(
    empty_url: str, tmp_path: Path, postgres: Postgres
) -> None:
    """What autogenerate does not compare: CHECKs, predicates of indexes, names."""
    made = f"sqlite:///{tmp_path / 'made.db'}"
    if empty_url.startswith("postgresql"):
        made = postgres.create(template="template1")
    migrating.upgrade(empty_url)
    with connected(made) as connection:
        metadata.create_all(connection)
        connection.commit()

    assert _catalog(empty_url) == _catalog(made)


def test_the_triggers_are_those_that_the_code_describes(empty_url: str) -> None:
    migrating.upgrade(empty_url)

    with connected(empty_url) as connection:
        assert _triggers(connection) == _described(connection)


def test_a_downgrade_leaves_nothing(empty_url: str) -> None:
    migrating.upgrade(empty_url)
    migrating.downgrade(empty_url, "base")

    with connected(empty_url) as connection:
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
        assert _triggers(connection) == {}
    migrating.upgrade(empty_url)
    migrating.check(empty_url)


def test_rows_and_their_ids_live_through_the_later_migrations(empty_url: str) -> None:
    migrating.upgrade(empty_url, "0001")
    with connected(empty_url) as connection:
        connection.execute(text("INSERT INTO interval_schedule (every, period) VALUES (5, 'minutes')"))
        for name in ("kept", "deleted"):
            connection.execute(text(f"INSERT INTO periodic_task (name, task, interval_id) VALUES ('{name}', 't', 1)"))
        connection.execute(text("DELETE FROM periodic_task WHERE name = 'deleted'"))
        connection.commit()

    migrating.upgrade(empty_url)
    migrating.downgrade(empty_url, "0001")
    migrating.upgrade(empty_url)

    with connected(empty_url) as connection:
        connection.execute(text("INSERT INTO periodic_task (name, task, interval_id) VALUES ('new', 't', 1)"))
        rows = connection.execute(text("SELECT id, name, watermark IS NOT NULL FROM periodic_task ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [(1, "kept", True), (3, "new", True)]


def test_every_column_of_a_schedule_is_classed_once() -> None:
    classed = [*triggers.DECIDES_WHEN, *triggers.VISIBLE, *triggers.BOOKKEEPING]
    assert sorted(classed) == sorted(column.name for column in PeriodicTask.__table__.columns)


def test_a_database_behind_says_what_to_do(empty_url: str) -> None:
    with pytest.raises(CannotStart, match="run `scheduler-service db upgrade`"):
        migrating.check(empty_url)


def test_a_database_of_a_newer_version_is_refused(empty_url: str) -> None:
    migrating.upgrade(empty_url)
    with connected(empty_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()

    for attempt in (migrating.upgrade, migrating.check):
        with pytest.raises(CannotStart, match="made by a newer version"):
            attempt(empty_url)


def _same_default(_context: object, _inspected: object, _column: object, inspected: str | None, _default: object, rendered: str | None) -> bool:  # fmt: skip  # noqa: E501
    """True when they differ; the two spell casts and brackets differently."""
    return _plain(inspected) != _plain(rendered)


def _plain(default: str | None) -> str | None:
    if default is None:
        return None
    stripped = re.sub(r"::[a-z ]+", "", default).replace("'", "").strip("()").lower()
    return {"0": "false", "1": "true"}.get(stripped, stripped) if stripped in ("0", "1") else stripped


def _catalog(url: str) -> list[tuple[str, ...]]:
    """Every index and constraint as the database itself writes it down."""
    with connected(url) as connection:
        if connection.dialect.name == "postgresql":
            statement = (
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE connamespace = 'public'::regnamespace"
                " UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            )
        else:
            statement = (
                "SELECT tbl_name, name, sql FROM sqlite_master"
                " WHERE type = 'index' OR type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        rows = connection.execute(text(statement)).all()
        return sorted(
            (str(table), str(name), _clauses(str(sql))) for table, name, sql in rows if table != "alembic_version"
        )


def _clauses(sql: str) -> str:
    """The parts of a definition in no particular order: the two ways of making a table may list them differently."""
    plain = re.sub(r"[ \t]+", " ", sql).replace('"', "").replace("('')", "''")
    return "\n".join(sorted(line.strip().rstrip(", ") for line in plain.splitlines()))


def _triggers(connection: Connection) -> dict[str, str]:
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    else:
        rows = connection.execute(
            text(
                "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
                " UNION ALL SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
                " AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')"
            )
        ).all()
    return {f"{name} {index}": _squeezed(sql) for index, (name, sql) in enumerate(sorted(map(tuple, rows)))}


def _described(connection: Connection) -> dict[str, str]:
    """What the database holds after it was told the module's statements, on tables without triggers."""
    nested = connection.begin_nested() if connection.in_transaction() else connection.begin()
    if connection.dialect.name == "sqlite":
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
    else:
        functions = "SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        for (name,) in connection.execute(text(functions)).all():
            connection.execute(text(f"DROP FUNCTION {name} CASCADE"))
    for statement in triggers.statements(connection.dialect.name):
        connection.exec_driver_sql(statement.replace("%", "%%") if connection.dialect.name != "sqlite" else statement)
    described = _triggers(connection)
    nested.rollback()
    return described


def _squeezed(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).strip()
