"""What becomes of an occurrence whose schedule has an unfinished run.

Pure: what is there and the policy in, a state and its reason out.
"""

from dataclasses import dataclass

from scheduler_service.storage.runs import Occupied

#: What the policies that end other runs do to a running one.
CANCEL_MODES = {"cancel_other": "ask", "terminate_other": "terminate"}


@dataclass
class Slot:
    """The overlap slot of one schedule while its occurrences are decided, one after another."""

    policy: str
    limit: int = 1000
    busy: bool = False
    buffered: int = 0
    ends_others: bool = False

    @classmethod
    def of(cls, policy: str, occupied: Occupied | None, *, limit: int) -> "Slot":
        """`limit`: how many runs may wait; those that come beyond are dropped."""
        if occupied is None or policy == "allow_all":
            return cls(policy, limit)
        return cls(policy, limit, occupied.unfinished > 0, occupied.buffered)

    def admit(self) -> tuple[str, str | None]:
        """State and reason of the next occurrence; the slot counts it."""
        state, reason = self._decide()
        self.busy = self.busy or (state == "pending" and self.policy != "allow_all")
        self.buffered += state == "buffered"
        return state, reason

    def _decide(self) -> tuple[str, str | None]:
        if not self.busy and not self.buffered:
            return "pending", None
        if self.policy == "skip":
            return "skipped", "an earlier run of this schedule is not finished (overlap policy: skip)"
        if self.policy == "buffer_one" and self.buffered:
            return "skipped", "one run of this schedule waits already (overlap policy: buffer_one)"
        if self.buffered >= self.limit:
            return "dropped", f"{self.buffered} runs of this schedule wait already (buffer_limit)"
        self.ends_others = self.policy in CANCEL_MODES
        return "buffered", f"waits for an earlier run to end (overlap policy: {self.policy})"
