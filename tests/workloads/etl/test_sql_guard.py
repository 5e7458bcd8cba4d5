"""What SQL may run: the statements that would do harm, or are no query, and those that are."""

from datetime import datetime

import pytest

from scheduler_service.errors import SqlRefused
from scheduler_service.workloads.sql_guard import Dialect, checked

PARAMETERS = {"occurrence_at": datetime, "window_start": datetime, "window_end": datetime}
BOTH: list[Dialect] = ["duckdb", "postgresql"]

HOSTILE_ANYWHERE = [
    "",
    "nonsense",
    "select 1; drop table orders",
    "select 1; select 2",
    "drop table orders",
    "create table x as select 1",
    "create view x as select 1",
    "insert into orders values (1)",
    "update orders set id = 1",
    "delete from orders",
    "truncate orders",
    "alter table orders add column x int",
    "commit",
    "begin",
    "set threads = 1",
    "values (1)",
    "select * into x from orders",
    "select * from orders for update",
    "select * from orders for share",
    "with x as (delete from orders returning *) select * from x",
    "with x as (insert into orders values (1) returning *) select * from x",
    "with x as (update orders set id = 1 returning *) select * from x",
    "select * from information_schema.tables",
    "select * from main.orders",
    "select * from a.b.orders",
    "copy orders to '/tmp/x.csv'",
    "explain select 1",
    "execute x",
    "call x()",
    "select nextval('s')",
    "select setval('s', 1)",
    "select set_config('statement_timeout', '0', false)",
    "select pg_sleep(100)",
    "select pg_read_file('/etc/passwd')",
    "select '{{ occurrence_at }}'",
    "select {{ secret }}",
    "select {{ occurrence_at + 1 }}",
    "select (" * 3000 + "1" + ")" * 3000,
]
HOSTILE_ON_DUCKDB = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from read_parquet('x')",
    "select * from read_json('x')",
    "select * from glob('/*')",
    "select * from orders, lateral read_text('/etc/passwd')",
    "select * from orders where exists (select 1 from read_text('/etc/passwd'))",
    "select (select content from read_text('/etc/passwd'))",
    "with x as (from read_text('/etc/passwd')) from x",
    "select * from unnest((select list(content) from read_text('/etc/passwd')))",
    "select * from (from read_text('/etc/passwd'))",
    "select * from orders union all from read_csv('/etc/passwd')",
    "select * from main.read_text('/etc/passwd')",
    "from pragma_table_info('orders')",
    "select * from python_map_function()",
    "select * from arrow_scan(1, 2, 3)",
    "select * from sqlite_scan('a', 'b')",
    "select * from parquet_metadata('x')",
    "select * from sniff_csv('x')",
    "select * from query('drop table orders')",
    "select * from query_table(['orders'])",
    "select * from duckdb_settings()",
    "select * from duckdb_secrets()",
    "select * from which_secret('x', 'y')",
    "select * from enable_logging()",
    "call enable_logging(storage='file', storage_config={'path': '/tmp/x'})",
    "select * from checkpoint()",
    "select * from json_execute_serialized_sql('x')",
    "select * from (describe orders)",
    "select * from (summarize orders)",
    "select * from (pivot orders on id)",
    "pivot orders on id",
    "describe orders",
    "summarize orders",
    "show tables",
    "pragma database_list",
    "attach ':memory:' as x",
    "attach '/tmp/x.db' as x",
    "detach x",
    "use x",
    "install httpfs",
    "load httpfs",
    "export database '/tmp/x'",
    "import database '/tmp/x'",
    "checkpoint",
    "vacuum",
    "create secret (type s3)",
    "create macro f() as 1",
    "prepare x as select 1",
    "select getenv('HOME')",
    "select sleep_ms(100000)",
    "select write_log('x')",
    "select $x",
    "select ?",
]
HOSTILE_ON_POSTGRESQL = [
    "copy orders from program 'id'",
    "copy (select 1) to program 'id'",
    "select * from pg_ls_dir('/')",
    "select * from pg_catalog.pg_ls_dir('/')",
    "select pg_catalog.pg_sleep(100)",
    'select "pg_sleep"(100)',
    "select * from pg_catalog.pg_authid",
    "select * from dblink('host=x', 'select 1') as t(a int)",
    "select lo_import('/etc/passwd')",
    "select lo_export(1, '/tmp/x')",
    "select query_to_xml('select 1', true, true, '')",
    "select database_to_xml(true, true, '')",
    "select pg_advisory_lock(1)",
    "select pg_notify('scheduler_wakeup', '')",
    "select pg_terminate_backend(1)",
    "select pg_reload_conf()",
    "select * from rows from (pg_ls_dir('/'))",
    "select * from orders, lateral pg_ls_dir('/') d",
    "select * from orders cross join lateral pg_ls_dir('/') d",
    "select (select pg_read_file('/etc/passwd'))",
    "select * from orders order by pg_sleep(100)",
    "select sum(id) filter (where pg_sleep(1) is null) from orders",
    "with x as materialized (select pg_sleep(100)) select * from x",
    "select * from xmltable('/a' passing '<a/>' columns b text)",
    "select cursor_to_xml('x', 1, true, true, '')",
    "select table_to_xml('pg_authid', true, true, '')",
    "select schema_to_xml_and_xmlschema('public', true, true, '')",
    "table orders for update",
    "do $$ begin end $$",
    "set role postgres",
    "reset role",
    "listen x",
    "notify x",
    "lock table orders",
    "merge into orders using orders b on true when matched then delete",
    "select %s",
    "select $1",
]


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize("sql", HOSTILE_ANYWHERE, ids=lambda sql: sql[:60])
def test_what_is_no_plain_select_is_refused(sql: str, dialect: Dialect) -> None:
    with pytest.raises(SqlRefused):
        checked(sql, dialect, parameters=PARAMETERS)


@pytest.mark.parametrize("sql", HOSTILE_ON_DUCKDB)
def test_what_duckdb_could_do_is_refused(sql: str) -> None:
    with pytest.raises(SqlRefused):
        checked(sql, "duckdb", parameters=PARAMETERS)


@pytest.mark.parametrize("sql", HOSTILE_ON_POSTGRESQL)
def test_what_postgresql_could_do_is_refused(sql: str) -> None:
    with pytest.raises(SqlRefused):
        checked(sql, "postgresql", parameters=PARAMETERS)


READS = {
    "select 1": "",
    "select * from orders": "orders",
    "SELECT * FROM Orders;": "orders",
    "(select * from a)": "a",
    "select * from a join b using (id) left join c on c.id = a.id": "a b c",
    "with x as (select * from a) select * from x": "a",
    "with orders as (select * from orders) select * from orders": "orders",
    "with x as (select * from a), y as (select * from x join b using (id)) select * from y": "a b",
    "with recursive t as (select 1 as n union all select n + 1 from t) select * from t": "",
    "with recursive t as (select n from a union all select n + 1 from t) select * from t": "a",
    "select * from a where id in (select id from b) and exists (select 1 from c where c.id = a.id)": "a b c",
    "select (select max(id) from b) from a": "a b",
    "select * from (select * from a) x": "a",
    "select * from a union all select * from b except select * from c": "a b c",
    "select * from generate_series(1, 3) as s(n)": "",
    "select * from a, lateral (select * from b where b.id = a.id) x": "a b",
    "select * from (values (1), (2)) as v(n)": "",
    "select 'from x' as \"from y\" from a -- from z": "a",
    "select 1 /* from x */ from a": "a",
    "select row_number() over (partition by x order by y) from a": "a",
    "select x, count(*) filter (where y > 1) from a group by rollup (x)": "a",
    "select * from a where {{ occurrence_at }} > at and name like '10%'": "a",
}
READS_ON_DUCKDB = {
    "from orders": "orders",
    "from orders select id": "orders",
    'select * from "Orders"': "orders",
    "select unnest([1, 2])": "",
    "select * from a, unnest(a.list) u(x)": "a",
    "select * from range(3)": "",
    "select * exclude (x) from a": "a",
    "select * from a asof join b on a.t >= b.t": "a b",
    "select * from a pivot (sum(x) for y in (1, 2))": "a",
    "select {'a': {'b': 1}} from a": "a",
    "select list_transform([1], lambda x: x + 1)": "",
    "select * from a qualify row_number() over (order by x) = 1": "a",
}
READS_ON_POSTGRESQL = {
    'select * from "Orders"': "Orders",
    "select distinct on (x) * from a order by x, y": "a",
    "select * from a, jsonb_array_elements(a.items) i": "a",
    "select * from a, lateral jsonb_array_elements(a.items) i": "a",
    "select a.items ->> 'x', at::date from a": "a",
    "select * from unnest(array[1, 2]) with ordinality": "",
}


@pytest.mark.parametrize("dialect", BOTH)
@pytest.mark.parametrize(("sql", "reads"), READS.items())
def test_what_a_query_reads(sql: str, reads: str, dialect: Dialect) -> None:
    assert checked(sql, dialect, parameters=PARAMETERS).reads == set(reads.split())


@pytest.mark.parametrize(("sql", "reads"), READS_ON_DUCKDB.items())
def test_what_a_query_reads_on_duckdb(sql: str, reads: str) -> None:
    assert checked(sql, "duckdb", parameters=PARAMETERS).reads == set(reads.split())


@pytest.mark.parametrize(("sql", "reads"), READS_ON_POSTGRESQL.items())
def test_what_a_query_reads_on_postgresql(sql: str, reads: str) -> None:
    assert checked(sql, "postgresql", parameters=PARAMETERS).reads == set(reads.split())


def test_a_parameter_is_bound_with_its_type() -> None:
    sql = "select * from a where at >= {{window_start}} and at < {{ window_end }} and rate like '5%'"

    duckdb = checked(sql, "duckdb", parameters=PARAMETERS)
    postgresql = checked(sql, "postgresql", parameters=PARAMETERS)

    assert duckdb.parameters == postgresql.parameters == {"window_start", "window_end"}
    assert "at >= CAST($window_start AS TIMESTAMPTZ) and" in duckdb.text
    assert "at >= CAST(%(window_start)s AS TIMESTAMPTZ) and" in postgresql.text
    assert "like '5%'" in duckdb.text
    assert "like '5%%'" in postgresql.text
    assert duckdb.values({"window_start": 1, "window_end": 2, "occurrence_at": 3}) == {
        "window_start": 1,
        "window_end": 2,
    }


def test_a_comment_may_hold_braces() -> None:
    assert checked("select 1 -- {{ anything }}", "duckdb", parameters={}).parameters == set()
