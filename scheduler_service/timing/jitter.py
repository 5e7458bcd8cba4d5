"""Spreading runs that would all come at the same second, in a way that anybody can work out again.

The delay is a hash of the schedule and the occurrence, so the preview, every Beat and a restarted one agree on it.
It stays below the gap to the next occurrence: runs keep their order, and one is sent before the next comes. That of
a retry is a hash of the run and the attempt.
"""

from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from scheduler_service.timing.timings import TICK

_MILLISECOND = timedelta(milliseconds=1)  # as fine as JSON clients keep


def delay(schedule_id: int, occurrence_at: datetime, *, jitter: timedelta, gap: timedelta | None) -> timedelta:
    """How long to wait after an occurrence: whole milliseconds in [0, jitter], less than the gap if there is one."""
    longest = jitter if gap is None else min(jitter, gap - TICK)
    return _share(f"{schedule_id}/{occurrence_at.timestamp():.6f}", longest)


def retry_delay(run_id: UUID, attempt: int, *, wanted: timedelta) -> timedelta:
    """How long to wait after a failed attempt: what is wanted, and up to a quarter more, in whole milliseconds.

    So a thousand runs that failed together are not tried again together.
    """
    return wanted + _share(f"{run_id}/{attempt}", wanted / 4)


def _share(seed: str, longest: timedelta) -> timedelta:
    choices = longest // _MILLISECOND + 1
    if choices <= 1:
        return timedelta()
    return int.from_bytes(blake2b(seed.encode(), digest_size=8).digest()) % choices * _MILLISECOND
