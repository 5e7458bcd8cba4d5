"""How a client asks: again where that is safe, within its patience, and with failures that say what they are."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from scheduler_service.client import (
    Changed,
    Client,
    ClientError,
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    Unreachable,
)
from tests.api.given import schedule_body
from tests.api.serving import Server
from tests.client.weather import Weather
from tests.support.ports import free_port


def in_seconds(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
def test_a_read_is_sent_again_until_it_is_answered(client: Client, weather: Weather, status: int) -> None:
    weather.refuse(status, times=2, Retry_After="0")

    assert client.schedules.page().items == []
    assert len(weather.requests) == 3


@pytest.mark.parametrize("asked", [lambda: "1", lambda: in_seconds(2)], ids=["seconds", "an instant"])
def test_it_waits_as_long_as_it_is_asked_to(client: Client, weather: Weather, asked: object) -> None:
    assert callable(asked)
    weather.refuse(503, Retry_After=asked())
    begun = time.monotonic()

    client.schedules.page()

    assert time.monotonic() - begun >= 0.95


def test_it_does_not_wait_for_longer_than_its_patience(client: Client, weather: Weather) -> None:
    weather.refuse(503, Retry_After="3600")
    begun = time.monotonic()

    with pytest.raises(Unreachable, match="503"):
        client.schedules.page()

    assert time.monotonic() - begun < 2
    assert len(weather.requests) == 1


def test_patience_ends(server: Server, weather: Weather) -> None:
    weather.refuse(503, times=1000, Retry_After="0")

    with Client(server.url, "key", patience=0.5) as client, pytest.raises(Unreachable):
        client.schedules.page()

    assert 2 < len(weather.requests) < 10


def test_a_schedule_whose_answer_was_lost_is_made_once(client: Client, weather: Weather) -> None:
    weather.lose_answers = 1

    made = client.schedules.create(schedule_body())

    assert [request[0] for request in weather.requests] == ["POST", "POST"]
    assert weather.requests[0][2]["idempotency-key"] == weather.requests[1][2]["idempotency-key"]
    assert [schedule.id for schedule in client.schedules.each()] == [made.id]


def test_a_first_request_that_is_still_under_way_is_waited_for(client: Client, weather: Weather) -> None:
    weather.refuse(409, Retry_After="0")

    assert client.schedules.create(schedule_body()).name == "orders"


def test_a_conflict_that_will_not_pass_is_told_at_once(client: Client, weather: Weather) -> None:
    weather.refuse(409)

    with pytest.raises(Conflict):
        client.schedules.create(schedule_body())

    assert len(weather.requests) == 1


def test_a_change_that_names_a_revision_is_not_sent_twice(client: Client, weather: Weather) -> None:
    made = client.schedules.create(schedule_body())
    weather.requests.clear()
    weather.lose_answers = 1

    with pytest.raises(Unreachable):
        client.schedules.patch(made.id, {"description": "changed"}, revision=made.revision)

    assert len(weather.requests) == 1
    assert client.schedules.get(made.id).description == "changed"


def test_nobody_there() -> None:
    client = Client(f"http://127.0.0.1:{free_port()}", "key", patience=0)

    with client, pytest.raises(Unreachable, match="cannot be reached"):
        client.schedules.page()


def test_a_password_in_the_url_is_not_repeated() -> None:
    client = Client(f"http://me:secret@127.0.0.1:{free_port()}", "key", patience=0)

    with client, pytest.raises(Unreachable) as away:
        client.schedules.page()

    assert "secret" not in str(away.value)


def test_an_answer_of_something_else(client: Client, weather: Weather) -> None:
    weather.refuse(200)

    with pytest.raises(ClientError, match="not from this service"):
        client.schedules.page()


def test_a_refusal_names_every_bad_field(client: Client) -> None:
    timing = {"type": "crontab", "expression": "61 * * * *"}

    with pytest.raises(Invalid) as refused:
        client.schedules.create({"name": "x", "task": "y", "timing": timing, "priority": "high"})

    assert (refused.value.status, refused.value.code) == (422, "invalid")
    assert {wrong.field for wrong in refused.value.fields} == {"timing.expression", "priority"}
    assert all(wrong.reason for wrong in refused.value.fields)


def test_what_is_not_there(client: Client) -> None:
    with pytest.raises(NotFound) as refused:
        client.schedules.get(77)

    assert (refused.value.status, refused.value.code) == (404, "schedule_not_found")


def test_a_name_that_is_taken(client: Client) -> None:
    client.schedules.create(schedule_body())

    with pytest.raises(Conflict) as refused:
        client.schedules.create(schedule_body())

    assert (refused.value.status, refused.value.code) == (409, "name_taken")


def test_what_somebody_changed_meanwhile(client: Client) -> None:
    read = client.schedules.create(schedule_body())
    client.schedules.patch(read.id, {"description": "somebody was faster"})

    with pytest.raises(Changed) as refused:
        client.schedules.replace(read.id, {**read.settable(), "description": "late"}, revision=read.revision)

    assert (refused.value.status, refused.value.code) == (412, "revision_mismatch")
    assert client.schedules.get(read.id).description == "somebody was faster"


def test_a_key_that_is_not_known(server: Server, weather: Weather) -> None:
    with Client(server.url, "another key") as client, pytest.raises(NotAllowed) as refused:
        client.schedules.page()

    assert refused.value.status == 401


def test_a_page_of_a_proxy_is_no_problem_document(client: Client, weather: Weather) -> None:
    weather.refuse(403)

    with pytest.raises(NotAllowed, match="not from this service") as refused:
        client.schedules.page()

    assert refused.value.code == "unknown"


@pytest.mark.parametrize("key", ["secret\n", "sécret"])
def test_a_key_that_no_header_can_carry_is_not_repeated(key: str) -> None:
    with pytest.raises(ClientError) as refused:
        Client("http://127.0.0.1", key)

    assert key.strip() not in str(refused.value)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize("url", ["", "scheduler", "http://", "ftp://host", "http://host:port"])
def test_no_url(url: str) -> None:
    with pytest.raises(ClientError, match="URL"):
        Client(url, "key")
