"""Databases to collect from."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import create_engine, text

from scheduler_service.workloads.connections import SqlConnection


def sqlite_shop(path: Path, *statements: str) -> SqlConnection:
    """An SQLite database in which these were executed, as a connection."""
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return SqlConnection(type="sql", url=SecretStr(f"sqlite:///{path}"))


def postgres_shop(url: str, *statements: str) -> SqlConnection:
    """The same on PostgreSQL."""
    execute(url, statements)
    return SqlConnection(type="sql", url=SecretStr(url))


def execute(url: str, statements: Iterable[str]) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
