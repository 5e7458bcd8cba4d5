"""Which job of a Celery's Beat a message is of, and which of its instants, by Celery's own texts of its arguments."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery

from scheduler_service.moving.matching import Hearing, Jobs, Sent
from scheduler_service.timing.crontab import Crontab
from scheduler_service.timing.interval import Interval
from scheduler_service.timing.timings import Timing

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTELY, HOURLY = Crontab("*", "*", "*", "*", "*"), Crontab("0", "*", "*", "*", "*")
app = Celery("theirs", broker="memory://", set_as_current=False)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def given(name: str = "one", *, timing: Timing | None = HOURLY, args: Any = (), **kwargs: Any) -> Sent:
    return Sent(name, name, "shop.count", list(args), kwargs, timing)


def message(job: Sent, at: datetime = NOON, *, kind: str = "task-sent", as_tuple: bool = False) -> dict[str, Any]:
    """The event that Celery makes when it sends the job."""
    args = tuple(job.args) if as_tuple else job.args
    made = app.amqp.as_task_v2(str(uuid4()), job.task, args, job.kwargs, create_sent_event=True)
    return {**made.sent_event, "type": kind, "timestamp": at.timestamp()}


def heard(jobs: list[Sent], *events: dict[str, Any]) -> Hearing:
    hearing = Hearing()
    hearing.jobs = Jobs(jobs)
    for event in events:
        hearing.hear(event)
    return hearing


def rows(hearing: Hearing) -> list[tuple[str, datetime, str]]:
    return [(row["source_id"], row["scheduled_at"], row["outcome"]) for row in hearing.take()]


@pytest.mark.parametrize(
    ("timing", "sent_at", "instant"),
    [
        pytest.param(MINUTELY, 0.2, 0, id="soon after it"),
        pytest.param(MINUTELY, 59, 0, id="late"),
        pytest.param(MINUTELY, 59.7, 60, id="by a clock that is behind"),
        pytest.param(HOURLY, 59.9, 0, id="as late as is taken"),
        pytest.param(HOURLY, 61, None, id="too late"),
        pytest.param(HOURLY, 1800, None, id="at no instant at all"),
        pytest.param(Interval(1, "hours", NOON), 3000, 0, id="an interval is at whatever phase"),
        pytest.param(Interval(2, "seconds", NOON), 1.4, 0, id="a short interval"),
        pytest.param(Interval(2, "seconds", NOON), 1.6, 2, id="a short interval, and a clock that is behind"),
        pytest.param(Interval(1, "seconds", NOON), 0.7, 0, id="never nearer to the next than a quarter"),
    ],
)
def test_a_message_belongs_to_the_instant_before_it(timing: Timing, sent_at: float, instant: float | None) -> None:
    hearing = heard([job := given(timing=timing)], message(job, after(sent_at)))

    assert [at for _, at, _ in rows(hearing)] == ([] if instant is None else [after(instant)])
    assert (hearing.placed, hearing.strays) == ((0, 1) if instant is None else (1, 0))


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([1, 2.5, None, True], {}, id="plain"),
        pytest.param(["it's (a) quote"], {}, id="a quote"),
        pytest.param(["字"], {"b": 1, "a": [1, {"c": "d"}]}, id="nested"),
        pytest.param([[[[[1]]]]], {}, id="deeper than Celery tells"),
        pytest.param(["x" * 5000], {"y": "z" * 5000}, id="longer than Celery tells"),
    ],
)
@pytest.mark.parametrize("as_tuple", [False, True])
def test_arguments_are_known_by_what_celery_tells_of_them(args: Any, kwargs: Any, as_tuple: bool) -> None:
    job, other = given(args=args, **kwargs), given("other", args=["other"])

    hearing = heard([job, other], message(job, as_tuple=as_tuple))

    assert rows(hearing) == [("one", NOON, "submitted")]


@pytest.mark.parametrize(
    ("kind", "outcome"), [pytest.param("task-succeeded", "executed"), pytest.param("task-failed", "error")]
)
def test_the_message_ties_its_end_to_it(kind: str, outcome: str) -> None:
    job = given()
    sent = message(job, after(0.1))
    received = {**sent, "type": "task-received", "timestamp": after(0.4).timestamp()}
    ended = {"type": kind, "uuid": sent["uuid"], "timestamp": after(30).timestamp()}
    unknown = {"type": kind, "uuid": str(uuid4()), "timestamp": after(30).timestamp()}

    hearing = heard([job], sent, received, unknown, ended)

    assert rows(hearing) == [("one", NOON, "submitted"), ("one", NOON, outcome)]
    assert hearing.placed == 1


def test_what_its_worker_received_counts_where_nobody_tells_that_it_was_sent() -> None:
    job = given()

    assert rows(heard([job], message(job, kind="task-received"))) == [("one", NOON, "submitted")]


def test_what_others_send_is_counted_and_not_kept() -> None:
    job = given(args=[1])
    by_a_task = {**message(job), "parent_id": str(uuid4())}
    again = message(job, after(10))

    hearing = heard([job], by_a_task, message(job), again, message(given(args=[2])), {"type": "worker-heartbeat"})

    assert rows(hearing) == [("one", NOON, "submitted")]
    assert (hearing.strays, hearing.others) == (2, 1)


def test_jobs_that_send_the_same_are_not_told_apart() -> None:
    first, second, third = given("first", a=1), given("second", a=1), given("third", a=2)

    hearing = heard([first, second, third], message(first), message(second), message(third))

    assert rows(hearing) == [("third", NOON, "submitted")]
    assert hearing.jobs.alike == ("first", "second")
    assert hearing.jobs.blind == {"first", "second"}
    assert (hearing.strays, hearing.others) == (0, 0)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"type": "task-sent", "uuid": "a", "timestamp": "now"}, id="of other types"),
        pytest.param({"type": ["task-sent"], "uuid": "a", "timestamp": 1}, id="of a list of kinds"),
        pytest.param({"type": "task-sent", "uuid": "a", "timestamp": 1e300}, id="in no year at all"),
        pytest.param({"type": "task-sent", "uuid": "a", "timestamp": 1, "name": None, "args": 3}, id="without a name"),
        pytest.param({"type": "task-sent", "uuid": "a", "timestamp": 1, "args": "(" * 3000}, id="brackets"),
    ],
)
def test_an_odd_event_stops_nothing(event: dict[str, Any]) -> None:
    job = given()

    assert rows(heard([job], event, message(job))) == [("one", NOON, "submitted")]
