"""Work in a process of its own: what it returns, and how it ends."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from scheduler_service.errors import Cancelled, TimeLimitReached, WarehouseBusy, WorkDied
from scheduler_service.workloads import killable
from scheduler_service.workloads.stopping import Stop, never
from tests.support.waiting import eventually
from tests.workloads import jobs

MINUTE = 60.0


def unhurried() -> Stop:
    return Stop(never, MINUTE)


def pid_in(path: Path) -> int:
    return int(eventually(lambda: path.read_text() if path.exists() else "", within=20))


def test_it_returns_what_the_job_returns_and_says_how_far_it_is() -> None:
    told: list[dict[str, Any]] = []

    found = killable.run(jobs.add, 1, 2, stop=unhurried(), told=lambda **progress: told.append(progress))

    assert found == 3
    assert told == [{"step": 1, "of": 2}, {"step": 2, "of": 2}]


def test_a_failure_arrives_as_itself() -> None:
    with pytest.raises(WarehouseBusy, match=r"within 1\.5 s") as caught:
        killable.run(jobs.refuse, stop=unhurried())

    assert caught.value.waited_seconds == 1.5


def test_a_mistake_of_ours_arrives_with_its_traceback() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        killable.run(jobs.break_down, stop=unhurried())


def test_a_crash_is_told_and_harms_nobody() -> None:
    with pytest.raises(WorkDied, match="killed by signal 6"):
        killable.run(jobs.crash, stop=unhurried())


def test_it_has_a_bound_of_memory() -> None:
    assert killable.run(jobs.take_memory, 50_000_000, stop=unhurried(), memory_bytes=500_000_000) == 50_000_000
    with pytest.raises(WorkDied, match="more memory"):
        killable.run(jobs.take_memory, 600_000_000, stop=unhurried(), memory_bytes=500_000_000)


def test_it_knows_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULER_ADMIN_KEY", "secret")

    assert not any(name.startswith("SCHEDULER") for name in killable.run(jobs.environment, stop=unhurried()))


def test_what_hears_nothing_is_killed_when_it_is_cancelled(tmp_path: Path) -> None:
    started = tmp_path / "started"
    cancelled_at: list[float] = []

    def cancelled() -> bool:
        if started.exists() and not cancelled_at:
            cancelled_at.append(time.monotonic())
        return bool(cancelled_at)

    with pytest.raises(Cancelled):
        killable.run(jobs.be_deaf, started, stop=Stop(cancelled, MINUTE))

    assert time.monotonic() - cancelled_at[0] < 2
    assert not psutil.pid_exists(pid_in(started))


def test_what_takes_too_long_is_killed(tmp_path: Path) -> None:
    with pytest.raises(TimeLimitReached):
        killable.run(jobs.be_deaf, tmp_path / "started", stop=Stop(never, 1.0))


def test_a_commit_is_not_cut_off(tmp_path: Path) -> None:
    started = tmp_path / "started"

    found = killable.run(jobs.commit_slowly, started, stop=Stop(started.exists, MINUTE))

    assert found == "committed"


@pytest.mark.parametrize("job", [jobs.go_on, jobs.be_deaf])
def test_it_ends_with_its_parent(job: Callable[..., None], tmp_path: Path) -> None:
    started = tmp_path / "started"
    running = Thread(target=killable.run, args=(jobs.parent, job, started), kwargs={"stop": unhurried()}, daemon=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("threading.excepthook", lambda _: None)  # the thread fails, as it must
        running.start()
        child = psutil.Process(pid_in(started))
        (middle,) = (one for one in child.parents() if one.ppid() == os.getpid())

        middle.kill()

        eventually(lambda: not child.is_running(), within=5)
        running.join(10)
