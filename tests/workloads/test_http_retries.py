"""Trying again: what is transient, how long to wait, and when to give up."""

import socket
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from scheduler_service.errors import RequestRefused, SourceUnavailable, SourceUnreachable, TransientFailure
from tests.support.clock import ManualClock
from tests.workloads.collects import Place
from tests.workloads.web import Answer, Web

POLICY = {"attempts": 3, "backoff_seconds": 10, "max_wait_seconds": 60}


def an_api(web: Web, **retry: Any) -> dict[str, Any]:
    return {"type": "http", "url": f"{web.url}/things?key=hidden", "retry": {**POLICY, **retry}}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(place: Place, web: Web, status: int) -> None:
    web.answer("/things", Answer(status=status), Answer([{"id": 1}]))

    place.collect(an_api(web))

    assert place.column("id") == [1]
    assert 5 <= sum(place.slept) <= 10


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_what_does_not_pass_is_not(place: Place, web: Web, status: int) -> None:
    web.answer("/things", Answer({"detail": "no"}, status))

    with pytest.raises(RequestRefused, match=f"answered {status}"):
        place.collect(an_api(web))

    assert len(web.asked) == 1


def test_retry_after_in_seconds_is_honoured(place: Place, web: Web) -> None:
    web.answer("/things", Answer(status=429, headers={"Retry-After": "7"}), Answer([{"id": 1}]))

    place.collect(an_api(web))

    assert sum(place.slept) == pytest.approx(7)


def test_retry_after_as_a_date_is_honoured(place: Place, web: Web, clock: ManualClock) -> None:
    date = format_datetime(clock.now() + timedelta(seconds=20), usegmt=True)
    web.answer("/things", Answer(status=503, headers={"Retry-After": date}), Answer([{"id": 1}]))

    place.collect(an_api(web))

    assert sum(place.slept) == pytest.approx(20)


def test_retry_after_is_capped(place: Place, web: Web) -> None:
    web.answer("/things", Answer(status=429, headers={"Retry-After": "86400"}), Answer([{"id": 1}]))

    place.collect(an_api(web))

    assert sum(place.slept) == pytest.approx(60)


def test_after_the_last_attempt_the_failure_is_transient_and_says_when(place: Place, web: Web) -> None:
    web.answer("/things", Answer(status=429, headers={"Retry-After": "30"}))

    with pytest.raises(SourceUnavailable, match="/things answered 429 in each of 3 attempts") as caught:
        place.collect(an_api(web))

    assert isinstance(caught.value, TransientFailure)
    assert caught.value.retry_after_seconds == 30
    assert "hidden" not in str(caught.value)
    assert len(web.asked) == 3


def test_a_place_where_nobody_listens_is_transient(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        place.allow(at)

        with pytest.raises(SourceUnreachable, match="could not be reached in 3 attempts") as caught:
            place.collect({"type": "http", "url": f"http://{at}/?key=hidden", "retry": POLICY})

    assert "hidden" not in str(caught.value)
    assert 15 <= sum(place.slept) <= 30


def test_a_connection_that_breaks_half_way_is_tried_again(place: Place, web: Web) -> None:
    broken = Answer(pieces=iter([b'[{"id": 1}, {"i']), headers={"Content-Length": "100"})
    web.answer("/things", broken, Answer([{"id": 1}]))

    place.collect(an_api(web))

    assert place.column("id") == [1]
