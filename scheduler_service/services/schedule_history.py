"""One schedule looked back at: its last runs, how many went well, and how long they take."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from scheduler_service.storage import schedule_history as stored
from scheduler_service.storage.schedule_history import PastRun
from scheduler_service.storage.session import Session

LOOKED_AT = 100
#: How many durations it takes to tell of a change in them.
FEWEST = 10
MOST_WAITING = 1000

WENT_WRONG = ("failed", "timed_out", "lost", "missed", "expired", "dropped")


@dataclass(frozen=True)
class History:
    """The last runs, oldest first, and how many of each state there are among them."""

    runs: list[PastRun]
    states: dict[str, int]

    @property
    def ended(self) -> int:
        """How many have ended that were to succeed: nobody skipped or cancelled them."""
        return sum(count for state, count in self.states.items() if state in ("succeeded", *WENT_WRONG))

    @property
    def success_rate(self) -> float | None:
        """The part of those that succeeded; None where there are none."""
        return self.states.get("succeeded", 0) / self.ended if self.ended else None

    @property
    def wrong(self) -> dict[str, int]:
        """What went wrong, how often."""
        return {state: self.states[state] for state in WENT_WRONG if state in self.states}

    @property
    def usual_seconds(self) -> float | None:
        """How long a run that succeeds takes: half of them take longer."""
        took = self.durations
        return median(took) if took else None

    @property
    def durations(self) -> list[float]:
        """Of those that succeeded, oldest first."""
        return [run.took_seconds for run in self.runs if run.state == "succeeded" and run.took_seconds is not None]

    @property
    def late(self) -> list[float]:
        """How late each began, oldest first, of those that came of the timing."""
        return [run.late_seconds for run in self.runs if run.origin == "auto" and run.late_seconds is not None]

    @property
    def slower(self) -> float | None:
        """By which part the later half takes longer than the earlier one; None where there are too few to tell."""
        took = self.durations
        if len(took) < FEWEST:
            return None
        before, after = median(took[: len(took) // 2]), median(took[len(took) // 2 :])
        return after / before - 1 if before else None


def look_back(session: Session, schedule_id: int) -> History:
    """The last runs of a schedule."""
    runs = stored.last_runs(session, schedule_id, limit=LOOKED_AT)
    states: dict[str, int] = {}
    for run in runs:
        states[run.state] = states.get(run.state, 0) + 1
    return History(runs[::-1], states)


def waiting(session: Session, schedule_id: int) -> int:
    """How many of its runs wait to be sent, counted up to MOST_WAITING."""
    return stored.waiting(session, schedule_id, at_most=MOST_WAITING)


def followers(session: Session, schedule_id: int) -> Sequence[tuple[int, str]]:
    """The schedules that run after it: id and name."""
    return stored.followers(session, schedule_id)
