"""A database that is closed while somebody still works on it."""

import psycopg

from scheduler_service.storage.session import Database


def test_who_ends_later_leaves_no_connection_open(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.reading() as session:
        driver = session.connection().connection.driver_connection
        database.close()
        assert session.connection().exec_driver_sql("SELECT 1").scalar_one() == 1

    assert isinstance(driver, psycopg.Connection)
    assert driver.closed
