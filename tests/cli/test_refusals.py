"""What cannot start says why in one sentence, and exits with something other than zero."""

import re
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.cli.foreground import command
from tests.support.ports import free_port

SENTENCE = re.compile(r"Error: [^\n]+[.]\n")


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = command("up", data_dir=tmp_path / "var", api_port=port)

    assert refused.returncode == 1
    assert refused.stderr == (
        f"Error: Port {port} on 127.0.0.1 is taken: stop what listens there, or set SCHEDULER_API_PORT.\n"
    )


def test_a_data_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # below a file not even root can write

    refused = command("up", data_dir=tmp_path / "file" / "var", api_port=free_port())

    assert refused.returncode == 1
    assert refused.stderr == (
        f"Error: The data directory {tmp_path}/file/var cannot be written (Not a directory): "
        "mend it, or set SCHEDULER_DATA_DIR.\n"
    )


@pytest.mark.parametrize("words", [["up"], ["api"], ["db", "upgrade"], ["db", "check"]], ids=" ".join)
def test_a_database_newer_than_the_code(tmp_path: Path, words: list[str]) -> None:
    with sqlite3.connect(tmp_path / "scheduler.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        database.execute("INSERT INTO alembic_version VALUES ('from_the_future')")
    database.close()

    refused = command(*words, data_dir=tmp_path, api_port=free_port())

    assert refused.returncode == 1
    assert SENTENCE.fullmatch(refused.stderr)
    assert "from_the_future" in refused.stderr


@pytest.mark.parametrize("words", [["api"], ["db", "check"]], ids=" ".join)
def test_a_database_that_was_never_upgraded(tmp_path: Path, words: list[str]) -> None:
    refused = command(*words, data_dir=tmp_path, api_port=free_port())

    assert refused.returncode == 1
    assert SENTENCE.fullmatch(refused.stderr)
    assert "scheduler-service db upgrade" in refused.stderr


@pytest.mark.parametrize("word", ["beat", "worker"])
def test_no_broker_where_one_is_needed(tmp_path: Path, word: str) -> None:
    refused = command(word, data_dir=tmp_path)

    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: SCHEDULER_BROKER_URL is not set")
    assert SENTENCE.fullmatch(refused.stderr)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("api_port", "99999", id="port"),
        pytest.param("admin_key", "short", id="key"),
        pytest.param("concurrency", "many", id="concurrency"),
        pytest.param("log_level", "LOUD", id="log level"),
        pytest.param("database_url", "no url", id="database"),
        pytest.param("database_url", "mysql://u:secret@host/name", id="kind of database"),
        pytest.param("database_url", "postgresql://u:secret@host:port/name", id="port of the database"),
        pytest.param("broker_url", "carrier-pigeon://u:secret@host", id="kind of broker"),
        pytest.param("result_backend", "carrier-pigeon://u:secret@host", id="kind of result backend"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(tmp_path: Path, variable: str, value: str) -> None:
    settings = {"data_dir": tmp_path, "broker_url": "redis://127.0.0.1:1/0", variable: value}

    refused = command("worker", **settings)

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Error: SCHEDULER_{variable.upper()}")
    assert SENTENCE.fullmatch(refused.stderr)
    assert "secret" not in refused.stderr
