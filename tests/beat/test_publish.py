"""What Beat sends is what Celery would have sent, and a broker that is away costs two seconds at most."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, cast
from uuid import UUID

import pytest
from celery import Celery
from kombu.entity import Exchange, Queue
from uuid_utils.compat import uuid7

from scheduler_service.beat.publish import Publisher, set_socket_timeouts
from scheduler_service.storage.publishing import Message
from tests.support.broker import Broker

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def message(**options: Any) -> Message:
    return Message(uuid7(), 7, "sample.count", ["a"], {"b": 1}, options, NOW, 1)


@pytest.fixture
def app(broker: Broker) -> Iterator[Celery]:
    made = Celery("sender", broker=broker.url, set_as_current=False)
    made.conf.task_queues = [Queue("default"), Queue("heavy"), Queue("topical", Exchange("topics", "topic"), "a.#")]
    made.conf.task_default_queue = "default"
    made.conf.task_routes = {"sample.routed": {"queue": "heavy"}}
    set_socket_timeouts(made)
    yield made
    made.close()


def received(broker: Broker, queue: str) -> list[dict[str, Any]]:
    with broker.client() as client:
        return [json.loads(entry) for entry in reversed(client.lrange(queue, 0, -1))]


def test_a_message_carries_the_run(app: Celery, broker: Broker) -> None:
    sent = message(headers={"x-team": "data"}, expire_seconds=60)

    assert Publisher(app).send([sent], now=NOW).ids == [sent.id]

    (got,) = received(broker, "default")
    headers = got["headers"]
    assert headers["id"] == headers["run_id"] == got["properties"]["correlation_id"] == str(sent.id)
    assert (headers["schedule_id"], headers["attempt"], headers["retries"]) == (7, 1, 0)
    assert headers["occurrence_at"] == "2026-03-02T12:00:00Z"
    assert headers["x-team"] == "data"
    assert headers["expires"] == (NOW + timedelta(seconds=60)).isoformat()


def test_the_tasks_own_time_limits_are_kept(app: Celery, broker: Broker) -> None:
    app.task(name="sample.own", time_limit=77, soft_time_limit=66, shared=False)(message)

    Publisher(app).send([message()._replace(task="sample.own")], now=NOW)

    assert received(broker, "default")[0]["headers"]["timelimit"] == [77, 66]


def test_a_later_attempt_says_how_many_went_before(app: Celery, broker: Broker) -> None:
    Publisher(app).send([message()._replace(attempt=3)], now=NOW)

    assert received(broker, "default")[0]["headers"]["retries"] == 2


@pytest.mark.parametrize(
    ("task", "options", "queue"),
    [
        pytest.param("sample.count", {}, "default", id="default queue"),
        pytest.param("sample.routed", {}, "heavy", id="the app's route"),
        pytest.param("sample.routed", {"queue": "default"}, "default", id="the schedule's queue beats the route"),
        pytest.param("sample.count", {"exchange": "topics", "routing_key": "a.b"}, "topical", id="topic exchange"),
        pytest.param("sample.count", {"priority": 3}, "default\x06\x163", id="priority"),
    ],
)
def test_a_message_goes_where_it_should(
    app: Celery, broker: Broker, task: str, options: dict[str, Any], queue: str
) -> None:
    Publisher(app).send([message(**options)._replace(task=task)], now=NOW)

    assert len(received(broker, queue)) == 1


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        pytest.param(message(queue="no such queue"), "QueueNotFound", id="unknown queue"),
        pytest.param(message(exchange="nowhere"), "ValueError", id="exchange that nothing is bound to"),
        pytest.param(message()._replace(args=cast(Any, "text")), "TypeError", id="args that are no list"),
        pytest.param(message()._replace(kwargs={"a": {1}}), "EncodeError", id="what JSON cannot hold"),
        pytest.param(message(headers={"id": "other"}), "ValueError: headers", id="a header of Celery's"),
    ],
)
def test_what_cannot_be_sent_stops_no_other(app: Celery, broker: Broker, bad: Message, why: str) -> None:
    app.conf.task_create_missing_queues = False
    before, after = message(), message()

    sent = Publisher(app).send([before, bad, after], now=NOW)

    assert sent.ids == [before.id, after.id]
    assert sent.unpublishable[bad.id].startswith(why)
    assert [UUID(got["headers"]["id"]) for got in received(broker, "default")] == [before.id, after.id]


def test_a_dead_broker_is_noticed_soon_and_the_next_batch_goes_through(app: Celery, broker: Broker) -> None:
    publisher = Publisher(app)
    publisher.send([message()], now=NOW)

    broker.stop()
    started = monotonic()
    sent = publisher.send([message()], now=NOW)
    seconds = monotonic() - started
    broker.start()

    assert sent.ids == []
    assert sent.broker_away is not None
    assert seconds < 5
    assert publisher.send([message()], now=NOW).broker_away is None
