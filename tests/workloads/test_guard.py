"""Where outbound requests may not go, and how long they may take."""

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx
import pytest

from scheduler_service.errors import AddressRefused, Invalid
from scheduler_service.workloads.collect.addresses import AllowList, is_public
from scheduler_service.workloads.collect.guard import Budget, Guarded, GuardedTransport
from tests.workloads.web import Answer, Web


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "2001:0:53aa:64c:0:0:f5ff:fffe",
        "2001:db8::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_an_address_that_is_not_of_the_open_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_others_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fd00::1]",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "0251.0376.0251.0376",
        "10.1",
    ],
)
def test_however_it_is_written_a_private_host_is_refused(host: str) -> None:
    transport = GuardedTransport()

    with (
        httpx.Client(transport=transport, trust_env=False) as client,
        pytest.raises((AddressRefused, httpx.InvalidURL)),
    ):
        client.get(f"http://{host}/")


class Recording(httpcore.NetworkBackend):
    """Connects nowhere, and remembers where it was asked to."""

    def __init__(self) -> None:
        self.connected: list[str] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.connected.append(host)
        return httpcore.MockStream([])


def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    inner = Recording()
    guarded = Guarded(AllowList.of([]), resolve=lambda *_: next(answers), inner=inner)

    guarded.connect_tcp("rebinding.example", 80)
    with pytest.raises(AddressRefused, match=r"rebinding\.example leads to 127\.0\.0\.1"):
        guarded.connect_tcp("rebinding.example", 80)

    assert inner.connected == ["8.8.8.8"]


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    inner = Recording()
    guarded = Guarded(AllowList.of([]), resolve=lambda *_: ["8.8.8.8", "10.0.0.1"], inner=inner)

    with pytest.raises(AddressRefused):
        guarded.connect_tcp("mixed.example", 80)

    assert inner.connected == []


def test_a_unix_socket_is_refused() -> None:
    with pytest.raises(AddressRefused):
        Guarded(AllowList.of([])).connect_unix_socket("/run/docker.sock")


@pytest.mark.parametrize(
    ("entry", "host", "port", "address", "holds"),
    [
        ("localhost:8000", "LOCALHOST", 8000, "127.0.0.1", True),
        ("localhost:8000", "localhost", 8001, "127.0.0.1", False),
        ("localhost:8000", "127.0.0.1", 8000, "127.0.0.1", False),
        ("[::1]:80", "::1", 80, "::1", True),
        ("10.0.0.0/8", "db", 5432, "10.2.3.4", True),
        ("10.0.0.0/8", "db", 5432, "11.2.3.4", False),
        ("10.0.0.0/8", "db", 5432, "::ffff:10.2.3.4", True),
        ("fd00::/8", "db", 5432, "fd00::1", True),
        ("10.1.2.3", "db", 1, "10.1.2.3", True),
    ],
)
def test_the_allow_list_is_of_places_and_networks(entry: str, host: str, port: int, address: str, holds: bool) -> None:
    assert AllowList.of([entry]).holds(host, port, address) is holds


@pytest.mark.parametrize("entry", ["localhost", "http://localhost:80", "10.0.0.1/33", ":80", "host:port"])
def test_an_entry_that_allows_nothing_is_invalid(entry: str) -> None:
    with pytest.raises(Invalid, match="outbound_allow"):
        AllowList.of([entry])


def test_an_allowed_place_is_reached_and_no_proxy_is_asked(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    web.answer("/", Answer({"here": True}))

    with httpx.Client(transport=GuardedTransport([web.place]), trust_env=False) as client:
        assert client.get(web.url).json() == {"here": True}
        assert client.get(web.url).json() == {"here": True}


@pytest.fixture
def dripping() -> Iterator[int]:
    """A server whose headers never end."""
    done = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not done.wait(0.05):
                try:
                    connection.sendall(b"X-A: b\r\n")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        done.set()
        thread.join()


def test_headers_that_never_end_are_given_up_in_time(dripping: int) -> None:
    transport = GuardedTransport([f"127.0.0.1:{dripping}"])
    began = time.monotonic()

    with httpx.Client(transport=transport, trust_env=False) as client, pytest.raises(httpx.ReadTimeout):
        client.send(
            client.build_request(
                "GET", f"http://127.0.0.1:{dripping}/", extensions={"budget": Budget("it", seconds=0.3)}
            )
        )

    assert time.monotonic() - began < 1


def test_a_name_that_is_never_resolved_is_given_up_in_time() -> None:
    waiting = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        waiting.wait(5)
        return []

    guarded = Guarded(AllowList.of([]), resolve=resolve)
    guarded.budget = Budget("it", seconds=0.1)

    with pytest.raises(httpcore.ConnectTimeout, match="not resolved in time"):
        guarded.connect_tcp("slow.example", 80)

    waiting.set()
