"""APScheduler's calls, on a real service."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduler_service.client import Client
from scheduler_service.client.apscheduler import CannotSay, ConflictingIdError, JobLookupError, Scheduler


def collect(*args: Any) -> None:
    """What the old code calls."""


def unknown() -> None:
    """In no mapping."""


@pytest.fixture
def scheduler(client: Client) -> Scheduler:
    return Scheduler(
        client, tasks={collect: "collect.execute_task", "shop:tidy": "shop.tidy"}, timezone="Europe/Berlin"
    )


def schedule_of(client: Client, name: str) -> dict[str, Any]:
    return client.schedules.find_named(name).as_json()


@pytest.mark.parametrize(
    ("trigger", "arguments", "fields"),
    [
        ("interval", {"minutes": 90}, {"timing": {"type": "interval", "every": 90, "period": "minutes"}}),
        (
            "interval",
            {"hours": 1, "start_date": "2030-01-01 09:00", "jitter": 5},
            {"start_time": "2030-01-01T08:00:00Z", "jitter_seconds": 5},
        ),
        (
            "date",
            {"run_date": datetime.fromisoformat("2030-01-01T09:00")},
            {"timing": {"type": "clocked", "clocked_time": "2030-01-01T08:00:00Z"}},
        ),
        (
            "cron",
            {"day_of_week": "mon-fri", "hour": 9},
            {"timing_text": "at 09:00, on Monday through Friday (Europe/Berlin)"},
        ),
        ("cron", {"hour": 2, "timezone": "UTC", "end_date": "2030-01-01"}, {"expires": "2030-01-01T00:00:00Z"}),
    ],
)
def test_a_trigger_is_a_timing(
    scheduler: Scheduler, client: Client, trigger: str, arguments: dict[str, Any], fields: dict[str, Any]
) -> None:
    scheduler.add_job(collect, trigger, [42], id="orders", name="Collect orders", **arguments)

    made = schedule_of(client, "orders")
    assert fields.items() <= made.items()
    assert (made["task"], made["args"], made["description"]) == ("collect.execute_task", [42], "Collect orders")


def test_seconds_of_a_cron_are_a_rule(scheduler: Scheduler, client: Client) -> None:
    scheduler.add_job("shop:tidy", "cron", hour=9, second="15,45", id="tidy")

    assert "BYSECOND=15,45" in schedule_of(client, "tidy")["timing"]["rule"]


def test_options_are_as_before(scheduler: Scheduler, client: Client) -> None:
    scheduler.add_job(
        collect, "interval", hours=1, id="orders", coalesce=False, misfire_grace_time=30, max_instances=None
    )

    said = {"misfire_policy": "fire_all", "catchup_window_seconds": 30, "overlap_policy": "allow_all"}
    assert said.items() <= schedule_of(client, "orders").items()


def test_a_second_job_of_an_id_is_refused_unless_it_replaces(scheduler: Scheduler, client: Client) -> None:
    scheduler.add_job(collect, "interval", hours=1, id="orders")

    with pytest.raises(ConflictingIdError):
        scheduler.add_job(collect, "interval", hours=2, id="orders")
    scheduler.add_job(collect, "interval", hours=3, id="orders", replace_existing=True)

    assert schedule_of(client, "orders")["timing"]["every"] == 3


def test_a_schedule_of_somebody_else_is_no_job(scheduler: Scheduler, client: Client) -> None:
    every_hour = {"type": "interval", "every": 1, "period": "hours"}
    client.schedules.create({"name": "theirs", "task": "shop.x", "timing": every_hour})

    with pytest.raises(ConflictingIdError):
        scheduler.add_job(collect, "interval", hours=1, id="theirs", replace_existing=True)
    with pytest.raises(JobLookupError):
        scheduler.remove_job("theirs")
    assert scheduler.get_jobs() == []


def test_a_jobs_life(scheduler: Scheduler, client: Client) -> None:
    job = scheduler.add_job(collect, "interval", hours=1, id="7")

    job.pause()
    assert schedule_of(client, "7")["state"] == "paused"
    job.resume()
    job.reschedule("cron", hour=3)
    job.modify(args=[7], name="seven", coalesce=False, func="shop:tidy")
    run_id = scheduler.run_job("7")

    changed = schedule_of(client, "7")
    assert (changed["state"], changed["timing"]["hour"], changed["args"]) == ("active", "3", [7])
    assert (changed["task"], changed["misfire_policy"]) == ("shop.tidy", "fire_all")
    assert client.runs.get(run_id).schedule_name == "7"
    assert [(found.id, found.name) for found in scheduler.get_jobs()] == [("7", "seven")]
    job.remove()
    assert scheduler.get_job("7") is None


def test_without_a_trigger_it_runs_at_once(scheduler: Scheduler, client: Client) -> None:
    job = scheduler.add_job(collect, args=[1], id="now")

    (run,) = client.runs.each(origin="once")
    assert (run.schedule_name, run.task, run.args, run.fire_at) == (
        "now",
        "collect.execute_task",
        [1],
        job.next_run_time,
    )


def test_an_interval_may_begin_at_once_or_paused(scheduler: Scheduler, client: Client) -> None:
    scheduler.add_job(collect, "interval", hours=1, id="now", next_run_time=datetime.now(UTC) - timedelta(seconds=1))
    scheduler.add_job(collect, "interval", hours=1, id="paused", next_run_time=None)

    assert [run.schedule_name for run in client.runs.each()] == ["now"]
    assert schedule_of(client, "paused")["state"] == "paused"


def test_a_decorated_function_is_added_each_time_it_is_imported(scheduler: Scheduler) -> None:
    for _ in range(2):
        decorated = scheduler.scheduled_job("interval", minutes=5, id="orders")(collect)

    assert decorated is collect
    assert [job.id for job in scheduler.get_jobs()] == ["orders"]


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda it: it.add_job(unknown, "interval", hours=1), "func"),
        (lambda it: it.add_job(collect, "interval", hours=1, max_instances=3), "max_instances"),
        (lambda it: it.add_job(collect, "interval", hours=1, jobstore="redis"), "jobstore"),
        (lambda it: it.add_job(collect, "interval", hours=1, executor="processpool"), "executor"),
        (lambda it: it.add_job(collect, "interval", hours=1, colour="red"), "colour"),
        (lambda it: it.add_job(collect, "interval", seconds=0.5), "seconds"),
        (lambda it: it.add_job(collect, "calendarinterval", months=1), "trigger"),
        (lambda it: it.add_job(collect, "cron", hour="monkey"), "trigger"),
        (lambda it: it.add_job(collect, "cron", year=2030), "year"),
        (lambda it: it.add_job(collect, "cron", hour=1, next_run_time=datetime.now(UTC)), "next_run_time"),
        (lambda it: it.add_job(collect, hours=1), "hours"),
        (lambda it: it.modify_job("orders", trigger="cron"), "trigger"),
        (lambda it: it.start(paused=True), "paused"),
    ],
)
def test_what_cannot_be_said_names_its_argument(
    scheduler: Scheduler, call: Callable[[Scheduler], Any], argument: str
) -> None:
    with pytest.raises(CannotSay) as refused:
        call(scheduler)

    assert refused.value.argument == argument
    assert str(refused.value).startswith(f"{argument}: ")
    assert scheduler.get_jobs() == []
