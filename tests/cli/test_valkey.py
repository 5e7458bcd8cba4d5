"""The embedded broker's configuration; `test_up.py` sees it run."""

import socket
import stat
from pathlib import Path
from urllib.parse import urlsplit

from scheduler_service.cli import valkey


def test_address_and_password_stay_from_start_to_start(tmp_path: Path) -> None:
    assert valkey.prepare(tmp_path / "valkey").url == valkey.prepare(tmp_path / "valkey").url


def test_another_port_is_chosen_when_somebody_has_taken_it(tmp_path: Path) -> None:
    before = urlsplit(valkey.prepare(tmp_path).url)
    with socket.create_server(("127.0.0.1", before.port or 0)):
        after = urlsplit(valkey.prepare(tmp_path).url)

    assert after.port != before.port
    assert after.password == before.password


def test_what_holds_the_password_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    broker = valkey.prepare(tmp_path / "valkey")
    password = urlsplit(broker.url).password or ""

    holders = [path for path in broker.directory.iterdir() if password in path.read_text()]

    assert {path.name for path in holders} == {"valkey.conf", "broker_url"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in holders} == {0o600}
    assert password not in " ".join(broker.command)
