"""The walls behind the first: what SQL could do that somehow got past it, on a real engine of either kind."""

from pathlib import Path

import pytest

from scheduler_service.errors import QueryFailed, WorkDied
from scheduler_service.workloads import killable
from scheduler_service.workloads.sql_guard import checked
from scheduler_service.workloads.sql_running import Answer, Asked
from scheduler_service.workloads.stopping import Stop, never
from scheduler_service.workloads.warehouse_postgresql import PostgresWarehouse
from tests.workloads import jobs
from tests.workloads.etl.pipelines import NOON, Mill, step

REFUSED_BY_DUCKDB = [
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM glob('{folder}/*')",
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "COPY orders TO '{folder}/out.parquet'",
    "EXPORT DATABASE '{folder}/out'",
    "ATTACH '{folder}/other.duckdb'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "SET threads = 64",
    "RESET memory_limit",
    "SET lock_configuration = false",
    "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')",
    "CREATE SECRET (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "SELECT getenv('HOME')",
    "SELECT 1; SELECT 2",
]
REFUSED_BY_POSTGRESQL = [
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "SELECT pg_read_file('{file}')",
    "SELECT * FROM pg_ls_dir('{folder}')",
    "SELECT lo_import('{file}')",
    "SELECT lo_export(1, '{folder}/out')",
    "SELECT * FROM public.secrets",
    "CREATE TABLE public.mine (id int)",
    "SELECT * FROM pg_authid",
    "CREATE EXTENSION dblink",
    "CREATE ROLE other",
    "SET ROLE postgres",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "SELECT pg_reload_conf()",
    "SELECT pg_read_binary_file('{file}')",
    "SELECT 1; SELECT 2",
]


def harmed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("out*"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "outside"
    made.mkdir()
    (made / "secret.txt").write_text("secret")
    return made


@pytest.mark.parametrize("mill", ["duckdb"], indirect=True)
def test_duckdb_reaches_nothing_but_the_warehouse(mill: Mill, folder: Path) -> None:
    statements = [one.format(folder=folder, file=folder / "secret.txt") for one in REFUSED_BY_DUCKDB]

    said = killable.run(jobs.say_no_to, mill.warehouse, statements, stop=Stop(never, 60))

    assert [one for one, reason in zip(statements, said, strict=True) if reason is None] == []
    assert harmed(folder) == []


@pytest.mark.parametrize("mill", ["postgresql"], indirect=True)
def test_postgresql_has_a_role_without_rights(mill: Mill, folder: Path) -> None:
    statements = [one.format(folder=folder, file=folder / "secret.txt") for one in REFUSED_BY_POSTGRESQL]

    said = killable.run(jobs.say_no_to, mill.warehouse, statements, stop=Stop(never, 60))

    assert [one for one, reason in zip(statements, said, strict=True) if reason is None] == []
    assert harmed(folder) == []


@pytest.mark.parametrize("mill", ["duckdb"], indirect=True)
def test_a_query_that_takes_all_memory_fails_alone(mill: Mill) -> None:
    mill.run(step("before", "SELECT 1 AS n"))

    with pytest.raises((QueryFailed, WorkDied), match="memory"):
        mill.run(step("before", "SELECT 2 AS n"), step("big", "SELECT length(repeat('x', 2000000000 + n)) FROM before"))

    assert mill.rows("before") == [{"n": 1}]


@pytest.mark.parametrize("mill", ["duckdb"], indirect=True)
def test_what_does_not_fit_into_memory_is_spilled(mill: Mill) -> None:
    big = "SELECT md5(n::varchar) AS x FROM generate_series(1, 3000000) AS s(n) ORDER BY x"

    outcome = mill.run(step("big", big), memory_bytes=400 * 1024**2)

    assert outcome["steps"][0]["rows"] == 3_000_000


def test_answers_are_of_one_state_and_have_their_types(mill: Mill) -> None:
    dialect = mill.warehouse.dialect
    orders = checked("SELECT id, day, amount FROM orders ORDER BY id", dialect, parameters={})
    until = checked(
        "SELECT {{ until }} AS until, {{ who }} AS who", dialect, parameters={"until": type(NOON), "who": str}
    )

    found = killable.run(
        jobs.answer,
        mill.warehouse,
        [Asked("orders", orders, {}, 2), Asked("until", until, {"until": NOON, "who": "O'Neil; --"}, 10)],
        stop=Stop(never, 60),
    )

    assert found[0].columns == ("id", "day", "amount")
    assert found[0].rows == [(1, NOON.date().replace(day=1), 10.0), (2, NOON.date().replace(day=1), 20.0)]
    assert found[0].complete is False
    assert found[1] == Answer(("until", "who"), [(NOON, "O'Neil; --")], complete=True)


def test_a_question_cannot_write(mill: Mill) -> None:
    with pytest.raises(QueryFailed, match=r"^what: "):
        killable.run(jobs.write_while_reading, mill.warehouse, stop=Stop(never, 60))

    assert len(mill.rows("orders")) == 3


def test_a_question_that_fails_says_which(mill: Mill) -> None:
    query = checked("SELECT gone FROM orders", mill.warehouse.dialect, parameters={})

    with pytest.raises(QueryFailed, match=r"^the table of orders: .*gone"):
        killable.run(jobs.answer, mill.warehouse, [Asked("the table of orders", query, {}, 10)], stop=Stop(never, 60))


def test_the_warehouse_of_the_tests_is_weak(weak_postgres: PostgresWarehouse) -> None:
    with weak_postgres.transaction(write=False) as connection:
        found = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()

    assert found == (False,)
