"""What a schedule does when something is not as planned, in sentences made of its fields."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scheduler_service.console.words import Reader
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.timing.clock_changes import ClockChange

DAY, HOUR, MINUTE = 86_400, 3600, 60


@dataclass(frozen=True)
class Policy:
    """When, and what then."""

    when: str
    text: str


def policies(task: PeriodicTask, reader: Reader, *, clock_changes: list[ClockChange]) -> list[Policy]:
    """Everything that the schedule does by itself."""
    say = reader.say
    said: list[tuple[str, str | None]] = [
        (say("Late"), None if task.upstreams else _late(task, reader)),
        (say("Still running"), _overlap(task, reader)),
        (say("Fails"), " ".join(_failure(task, reader))),
        (say("Spread"), _spread(task, reader)),
        (say("Limits"), " ".join(_limits(task, reader))),
        (say("Clocks change"), _clocks(clock_changes, reader)),
        (say("Calendar"), None if task.upstreams else _calendar(task, reader)),
        (say("Ends"), " ".join(_ends(task, reader))),
    ]
    return [Policy(when, text) for when, text in said if text]


def exactly(seconds: float, reader: Reader) -> str:
    """A round duration, as people choose them: in the largest unit that it is a whole number of."""
    if 0 < seconds < 1:
        return reader.span(seconds)
    for size, unit in ((DAY, "%(n)s d"), (HOUR, "%(n)s h"), (MINUTE, "%(n)s min")):
        if seconds and seconds % size == 0:
            return reader.say(unit, n=reader.number(int(seconds) // size))
    return reader.say("%(n)s s", n=reader.number(int(seconds)))


def _late(task: PeriodicTask, reader: Reader) -> str:
    say = reader.say
    missed = say("More than %(grace)s late counts as missed.", grace=exactly(task.misfire_grace_seconds, reader))
    window = task.catchup_window_seconds
    within = exactly(window, reader) if window is not None else ""
    match task.misfire_policy, window is not None:
        case "fire_once", True:
            then = say("The latest one within %(window)s still runs; the others are counted.", window=within)
        case "fire_once", False:
            then = say("The latest one still runs, however late; the others are counted.")
        case "fire_all", True:
            then = say(
                "Each one within %(window)s still runs, %(most)s at most.", window=within, most=_most(task, reader)
            )
        case "fire_all", False:
            then = say("Each one still runs, %(most)s at most.", most=_most(task, reader))
        case _:
            then = say("A missed one never runs.")
    return f"{missed} {then}"


def _most(task: PeriodicTask, reader: Reader) -> str:
    return reader.number(task.catchup_limit)


def _overlap(task: PeriodicTask, reader: Reader) -> str:
    say = reader.say
    match task.overlap_policy:
        case "skip":
            return say("The new one is skipped.")
        case "buffer_one":
            return say("One waits its turn; a second is skipped.")
        case "buffer_all":
            return say(
                "All wait their turn, up to %(most)s; further ones are dropped.", most=reader.number(task.buffer_limit)
            )
        case "allow_all":
            return say("They run side by side.")
        case "cancel_other":
            return say("The older one is asked to end, and the new one runs.")
        case "terminate_other":
            return say("The older one is ended by force, and the new one runs.")
    return task.overlap_policy


def _failure(task: PeriodicTask, reader: Reader) -> Iterator[str]:
    if task.retry_max:
        yield reader.say_many(
            "Tried once more, after %(delay)s.",
            "Tried %(count)s more times: after %(delay)s, then twice as long each time.",
            task.retry_max,
            delay=exactly(task.retry_delay_seconds, reader),
        )
    else:
        yield reader.say("Not tried again.")
    if task.pause_after_failures:
        yield reader.say_many(
            "Pauses itself after a failed run.",
            "Pauses itself after %(count)s failed runs in a row.",
            task.pause_after_failures,
        )


def _spread(task: PeriodicTask, reader: Reader) -> str | None:
    if not task.jitter_seconds:
        return None
    most = exactly(task.jitter_seconds, reader)
    return reader.say("Sent up to %(most)s after its time, always the same for the same time.", most=most)


def _limits(task: PeriodicTask, reader: Reader) -> Iterator[str]:
    limits: tuple[tuple[int | None, Any], ...] = (
        (task.start_deadline_seconds, lambda n: reader.say("Not started within %(n)s, it never starts.", n=n)),
        (
            task.expire_seconds,
            lambda n: reader.say("Its message is dropped when no worker takes it within %(n)s.", n=n),
        ),
        (task.soft_time_limit_seconds, lambda n: reader.say("Told to end after %(n)s.", n=n)),
        (task.time_limit_seconds, lambda n: reader.say("Killed after %(n)s.", n=n)),
    )
    for seconds, sentence in limits:
        if seconds is not None:
            yield sentence(exactly(seconds, reader))


def _clocks(changes: list[ClockChange], reader: Reader) -> str | None:
    """None where no clocks change."""
    effects = {change.effect for change in changes}
    if not effects:
        return None
    if effects & {"left_out", "twice"}:
        return reader.say("Follows real time: nothing in the hour that is skipped, both passes of one that repeats.")
    if effects & {"moved", "once"}:
        return reader.say("Runs once, whatever the clock does.")
    return reader.say("Its times are not touched.")


def _calendar(task: PeriodicTask, reader: Reader) -> str:
    if task.calendar is None:
        return reader.say("None. It runs on holidays too.")
    if task.calendar_mode == "only":
        return reader.say("Keeps to the days of %(name)s.", name=task.calendar.name)
    return reader.say("Leaves out the days of %(name)s.", name=task.calendar.name)


def _ends(task: PeriodicTask, reader: Reader) -> Iterator[str]:
    if task.one_off:
        yield reader.say("Completed after one run.")
    if task.max_runs:
        yield reader.say_many("Completed after %(count)s run.", "Completed after %(count)s runs.", task.max_runs)
    if task.expires is not None:
        local = task.expires.astimezone(reader.zone)
        yield reader.say("No run after %(day)s.", day=f"{reader.day(local.date())} {local:%H:%M}")
