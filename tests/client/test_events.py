"""The live stream in a client: read as the standard says, and gone on with where it broke off."""

from itertools import islice

import pytest

from scheduler_service.client import Client, Unreachable
from scheduler_service.client.documents import AuditEvent, Run
from scheduler_service.client.events import Frame, frames
from tests.api.given import schedule_body
from tests.client.weather import Weather


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("event: run\nid: 7\ndata: {}\n\n", [Frame("7", "run", "{}")], id="an event"),
        pytest.param("data: a\ndata:b\ndata\n\n", [Frame(data="a\nb\n")], id="several lines"),
        pytest.param(": here\n\n", [Frame()], id="a comment"),
        pytest.param(": here\nid: 7\n\n", [Frame("7")], id="a place to go on from"),
        pytest.param("retry: 5\nother: x\ndata: a\n\n", [Frame(data="a")], id="unknown fields"),
        pytest.param("event: run\n\ndata: a\n\n", [Frame(event="run"), Frame(data="a")], id="no data"),
        pytest.param("data: a", [], id="a broken off event is none"),
    ],
)
def test_what_a_stream_says(text: str, expected: list[Frame]) -> None:
    assert list(frames(text.splitlines())) == expected


def test_changes_come_as_they_happen(client: Client) -> None:
    looks = client.events().looks()
    assert next(looks) is None  # connected

    made = client.schedules.create(schedule_body())
    run = client.schedules.trigger(made.id)

    changes = [event.change for event in islice(filter(None, looks), 3)]
    assert {change.action for change in changes if isinstance(change, AuditEvent)} == {"create", "trigger"}
    assert [change.id for change in changes if isinstance(change, Run)] == [run.id]


def test_a_broken_stream_goes_on_where_it_was(client: Client, weather: Weather) -> None:
    looks = client.events(types="schedule").looks()
    assert next(looks) is None
    weather.cut_streams_after = '"one"'
    client.schedules.create(schedule_body("one"))
    events = filter(None, looks)

    first = next(events)
    client.schedules.create(schedule_body("two"))  # while nobody listens
    names = (event.change.subject_name for event in events if isinstance(event.change, AuditEvent))

    assert next(name for name in names if name != "one") == "two"  # what was read may come again
    asked = [headers for _, path, headers in weather.requests if path.endswith("/events")]
    assert [headers.get("last-event-id") for headers in asked] == [None, first.id]


def test_a_service_that_stays_away_ends_it(client: Client, weather: Weather) -> None:
    weather.refuse(503, times=1000, Retry_After="0")

    with pytest.raises(Unreachable):
        next(iter(client.events(patience=0.6)))

    assert len(weather.requests) > 1
