"""What a collect task may say."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from scheduler_service.workloads.collect.definitions import CollectDefinition
from scheduler_service.workloads.connections import BearerAuth, HttpConnection

HTTP: dict[str, Any] = {"type": "http", "url": "https://example.org/things"}
FILE: dict[str, Any] = {"type": "file", "path": "in/*.csv"}
SQL: dict[str, Any] = {"type": "sql", "connection": "shop", "table": "orders"}
INCREMENTAL = {"cursor_field": "at", "param": "since"}


def defined(**fields: Any) -> CollectDefinition:
    return CollectDefinition.model_validate({"dataset": "things", "source": FILE, **fields})


def test_little_needs_to_be_said() -> None:
    definition = defined()

    assert (definition.mode, definition.contract, definition.key) == ("append", "evolve", ())
    assert definition.source.type == "file"


@pytest.mark.parametrize(
    "source",
    [
        HTTP,
        {"type": "http", "connection": "crm", "path": "things", "params": {"n": 1}, "headers": {"X-Kind": "a"}},
        {**HTTP, "paging": {"type": "cursor", "next": "$.next"}, "records": "$.items[*]", "incremental": INCREMENTAL},
        {**HTTP, "paging": {"type": "page", "size_param": "n", "size": 50}},
        {**SQL, "incremental": {"cursor_field": "at", "lag_seconds": 60}},
        {"type": "sql", "connection": "shop", "query": "SELECT :n", "params": {"n": None}},
        {"type": "http_file", "connection": "crm", "path": "t.xlsx", "sheet": "one", "requests_per_second": 0.5},
        {"type": "python", "name": "customers", "arguments": {"deep": {"a": [1, None]}}},
        {**FILE, "delimiter": "\t", "encoding": "gbk", "dateformat": "%d/%m/%Y", "incremental": True},
    ],
)
def test_a_definition_survives_being_written_down(source: dict[str, Any]) -> None:
    definition = defined(source=source)

    assert CollectDefinition.model_validate_json(definition.model_dump_json()) == definition


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"dataset": "_things"}, "lower-case letter", id="a name of the service's own"),
        pytest.param({"dataset": "Things"}, "lower-case letter", id="upper case"),
        pytest.param({"dataset": "t" * 64}, "lower-case letter", id="a long name"),
        pytest.param({"dataset": "things\n"}, "lower-case letter", id="a line end"),
        pytest.param({"colour": "red"}, "Extra inputs", id="an unknown field"),
        pytest.param({"mode": "merge"}, "needs a key", id="merge without key"),
        pytest.param({"key": ["id"]}, "mode merge only", id="key without merge"),
        pytest.param({"mode": "merge", "key": ["id", "ID"]}, "twice", id="a key that repeats"),
        pytest.param(
            {"mode": "replace", "source": {**FILE, "incremental": True}}, "reads everything", id="replace files"
        ),
        pytest.param(
            {"mode": "replace", "source": {**HTTP, "incremental": INCREMENTAL}}, "reads everything", id="replace"
        ),
        pytest.param({"source": {**HTTP, "colour": 1}}, "Extra inputs", id="an unknown field inside"),
        pytest.param({"source": {"type": "ftp"}}, "does not match any of the expected tags", id="an unknown source"),
        pytest.param({"source": {"type": "http"}}, "either url, or connection", id="no place"),
        pytest.param({"source": {**HTTP, "connection": "crm"}}, "either url, or connection", id="two places"),
        pytest.param({"source": {**HTTP, "path": "x"}}, "belongs to a connection", id="url and path"),
        pytest.param(
            {"source": {**HTTP, "url": "https://u:p@example.org"}}, "credentials", id="credentials in the URL"
        ),
        pytest.param({"source": {**HTTP, "url": "file:///etc/passwd"}}, "absolute http", id="a file URL"),
        pytest.param({"source": {**HTTP, "url": "/things"}}, "absolute http", id="a relative URL"),
        pytest.param({"source": {**HTTP, "url": "http://h:99999/"}}, "[Pp]ort", id="no such port"),
        pytest.param({"source": {**HTTP, "url": "http://0177.0.0.1/"}}, "no URL", id="an octal address"),
        pytest.param({"source": {**HTTP, "headers": {"Authorization": "x"}}}, "carries a secret", id="a secret header"),
        pytest.param({"source": {**HTTP, "headers": {"COOKIE": "x"}}}, "carries a secret", id="a cookie"),
        pytest.param({"source": {**HTTP, "headers": {"Host": "x"}}}, "set by the service", id="our header"),
        pytest.param({"source": {**HTTP, "headers": {"X-A": "b\r\nX-C: d"}}}, "printable", id="two headers in one"),
        pytest.param({"source": {**HTTP, "records": "$..["}}, "no JSONPath", id="no JSONPath"),
        pytest.param({"source": {**HTTP, "paging": {"type": "cursor"}}}, "next", id="a cursor from nowhere"),
        pytest.param(
            {"source": {"type": "http", "connection": "crm", "path": "../admin"}}, "must not hold", id="a way out"
        ),
        pytest.param({"source": {"type": "http", "connection": "crm", "path": "a?key=1"}}, "params", id="a query"),
        pytest.param({"source": {**FILE, "path": "../x.csv"}}, "must not hold", id="a path upwards"),
        pytest.param({"source": {**FILE, "path": "s3://b/x.csv"}}, "on this machine", id="a path elsewhere"),
        pytest.param({"source": {**FILE, "delimiter": ",,"}}, "one ASCII character", id="two delimiters"),
        pytest.param({"source": {**FILE, "encoding": "klingon"}}, "no encoding", id="an unknown encoding"),
        pytest.param({"source": {**FILE, "encoding": "base64"}}, "no encoding", id="no text encoding"),
        pytest.param({"source": {"type": "http_file"}}, "either url, or connection", id="a file from nowhere"),
        pytest.param(
            {"source": {**FILE, "format": "xml"}}, "'csv', 'jsonl', 'parquet' or 'excel'", id="no such format"
        ),
        pytest.param({"source": {**SQL, "query": "SELECT 1"}}, "either table or query", id="table and query"),
        pytest.param({"source": {"type": "sql", "connection": "shop"}}, "either table or query", id="neither"),
        pytest.param({"source": {**SQL, "params": {"a": 1}}}, "belong to a query", id="parameters of a table"),
        pytest.param({"source": {**SQL, "table": "a..b"}}, "name of a table", id="no table name"),
        pytest.param({"source": {"type": "python", "name": "os:system"}}, "pattern", id="no entry point"),
        pytest.param({"source": {"type": "python", "name": "a", "arguments": {"a-b": 1}}}, "pattern", id="no argument"),
        pytest.param({"max_rows": 0}, "greater than or equal", id="no rows"),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        defined(**fields)


def test_a_definition_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        defined().dataset = "other"


def test_a_token_is_never_shown() -> None:
    connection = HttpConnection(url="https://example.org", auth=BearerAuth(type="bearer", token=SecretStr("s3cr3t")))

    assert "s3cr3t" not in f"{connection!r} {connection} {connection.model_dump_json()}"


def test_importing_the_room_is_cheap() -> None:
    program = (
        "import sys; import scheduler_service.workloads.collect.collecting, scheduler_service.workloads.warehouse; "
        "print(sorted({'duckdb', 'pyarrow', 'jsonpath_ng', 'celery', 'sqlalchemy'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
