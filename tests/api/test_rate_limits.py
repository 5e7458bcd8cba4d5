"""How often somebody may ask: by key, by address, and with keys that are none."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from scheduler_service.api.access import Access
from scheduler_service.api.app import create_api
from scheduler_service.api.limits import MOST_NAMES, Limit, address_of
from scheduler_service.errors import TooManyRequests
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import given_key, problem
from tests.api.serving import KEY, Server

Serve = Callable[[Access], None]


@pytest.fixture
def serve(server: Server, sqlite_url: str, warehouse: Warehouse) -> Iterator[Serve]:
    """Show the API with other limits; over SQLite alone, since no database has a part in them."""
    database = Database(sqlite_url)

    def shown(access: Access) -> None:
        server.app = create_api(database, admin_key=KEY, warehouse=warehouse, access=access)

    yield shown
    database.close()


def statuses(client: httpx.Client, number: int, **options: str) -> list[int]:
    headers = {name.replace("_", "-"): value for name, value in options.items()}
    return [client.get("/me", headers=headers).status_code for _ in range(number)]


def test_a_key_may_ask_so_often_and_is_told_when_again(serve: Serve, server: Server) -> None:
    serve(Access(per_key=5))
    with server.client() as admin:
        answered = statuses(admin, 5)
        refused = admin.get("/me")

    assert answered == [200] * 5
    assert (refused.status_code, problem(refused)["code"]) == (429, "too_many_requests")
    assert refused.json()["detail"] == "Too many requests: 5 a minute are allowed."
    assert 1 <= int(refused.headers["retry-after"]) <= 12


def test_one_key_takes_nothing_from_another(serve: Serve, server: Server) -> None:
    serve(Access(per_key=5))
    with server.client() as admin, server.client(key=given_key(admin)["key"]) as other:
        assert statuses(admin, 6)[-1] == 429
        assert statuses(other, 5) == [200] * 5


def test_a_session_counts_with_its_key(serve: Serve, server: Server) -> None:
    serve(Access(per_key=5))
    with server.client() as admin, server.client(key=None) as browser:
        browser.post("/sign-in", json={"key": KEY})
        assert statuses(browser, 3) == [200] * 3
        assert statuses(admin, 3) == [200, 200, 429]


def test_an_address_may_ask_so_often_whatever_it_shows_but_probes_are_not_counted(serve: Serve, server: Server) -> None:
    serve(Access(per_address=5))
    with server.client() as admin, server.client(key=None) as nobody:
        assert statuses(nobody, 5) == [401] * 5
        refused = admin.get("/me")
        probes = {nobody.get(f"{server.url}/healthz").status_code for _ in range(10)}

    assert (refused.status_code, problem(refused)["code"]) == (429, "too_many_requests")
    assert refused.headers["retry-after"]
    assert probes == {200}


def test_who_tries_keys_is_held_up_soon(serve: Serve, server: Server) -> None:
    serve(Access(bad_keys=3))
    with server.client(key="a guess") as guesser:
        assert statuses(guesser, 5) == [401, 401, 401, 429, 429]
        sign_in = guesser.post("/sign-in", json={"key": "another guess"})
        right = guesser.get("/me", headers={"Authorization": f"Bearer {KEY}"})

    assert sign_in.status_code == 429
    assert right.status_code == 429, "else a guesser would still learn which key is right"


def test_who_was_right_before_is_not_locked_out_by_a_neighbour(serve: Serve, server: Server) -> None:
    serve(Access(bad_keys=3))
    with server.client() as admin, server.client(key="a guess") as guesser:
        assert statuses(admin, 1) == [200]
        assert statuses(guesser, 4) == [401, 401, 401, 429]
        assert statuses(admin, 5) == [200] * 5


def test_a_guesser_learns_nothing_of_keys_that_are_right_elsewhere(serve: Serve, server: Server) -> None:
    serve(Access(bad_keys=3, trusted_proxies=("127.0.0.1",)))
    with server.client() as admin, server.client(key="a guess") as guesser:
        assert statuses(admin, 1, X_Forwarded_For="203.0.113.1") == [200]
        assert statuses(guesser, 4, X_Forwarded_For="203.0.113.2")[-1] == 429
        assert statuses(admin, 1, X_Forwarded_For="203.0.113.2") == [429]


def test_right_keys_cost_nothing_of_what_wrong_ones_may(serve: Serve, server: Server) -> None:
    serve(Access(bad_keys=3))
    with server.client() as admin:
        for number in range(5):
            with server.client(key=given_key(admin, f"key {number}")["key"]) as client:
                assert statuses(client, 2) == [200, 200]


def test_no_limit_is_said_by_zero(serve: Serve, server: Server) -> None:
    serve(Access(per_key=0, per_address=0, bad_keys=0))
    with server.client() as admin, server.client(key="a guess") as guesser:
        assert set(statuses(admin, 50)) == {200}
        assert set(statuses(guesser, 50)) == {401}


def test_what_a_stranger_says_of_its_address_is_not_believed(serve: Serve, server: Server) -> None:
    serve(Access(per_address=3))
    with server.client() as client:
        answered = [statuses(client, 1, X_Forwarded_For=f"203.0.113.{number}")[0] for number in range(4)]

    assert answered == [200, 200, 200, 429]


def test_what_a_trusted_proxy_says_is_believed_and_what_its_client_says_is_not(serve: Serve, server: Server) -> None:
    serve(Access(per_address=3, trusted_proxies=("127.0.0.0/8",)))
    with server.client() as client:
        many = [statuses(client, 1, X_Forwarded_For=f"203.0.113.{number}")[0] for number in range(6)]
        one = [statuses(client, 1, X_Forwarded_For=f"198.51.100.{number}, 203.0.113.99")[0] for number in range(4)]

    assert many == [200] * 6
    assert one == [200, 200, 200, 429]


def test_the_audit_trail_says_the_address_that_a_trusted_proxy_says(serve: Serve, server: Server) -> None:
    serve(Access(trusted_proxies=("127.0.0.1",)))
    with server.client() as admin:
        admin.headers["X-Forwarded-For"] = "198.51.100.1, 203.0.113.99"
        given_key(admin)
        events = admin.get("/audit").json()["items"]

    assert [event["source"] for event in events] == ["203.0.113.99"]


def test_a_trusted_proxy_says_whether_there_is_tls(serve: Serve, server: Server) -> None:
    serve(Access(trusted_proxies=("127.0.0.1",)))
    with server.client(key=None) as browser:
        answer = browser.post("/sign-in", json={"key": KEY}, headers={"X-Forwarded-Proto": "https"})

    assert "; Secure" in answer.headers["set-cookie"]


class Seconds:
    """A monotonic clock that the test holds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_fills_evenly_and_not_over_its_brim() -> None:
    seconds = Seconds()
    limit = Limit("requests", 60, clock=seconds)

    def taken(number: int) -> int:
        count = 0
        for _ in range(number):
            try:
                limit.take("somebody")
            except TooManyRequests:
                continue
            count += 1
        return count

    assert taken(100) == 60
    seconds.now += 10
    assert taken(100) == 10
    seconds.now += 3600
    assert taken(100) == 60
    with pytest.raises(TooManyRequests) as refused:
        limit.take("somebody")
    assert refused.value.retry_after_seconds == pytest.approx(1)


def test_a_flood_of_addresses_takes_little_memory() -> None:
    limit = Limit("requests", 60)

    for number in range(MOST_NAMES + 1000):
        limit.take(str(number))

    assert len(limit) == MOST_NAMES


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a name", "a name"),
    ],
)
def test_an_address_is_what_one_host_can_have(host: str, counted: str) -> None:
    assert address_of({"client": (host, 1)}) == counted
    assert address_of({"client": None}) == ""
