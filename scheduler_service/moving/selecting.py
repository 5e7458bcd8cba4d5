"""Which jobs are meant: by name, by tag, or a share of all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256

from scheduler_service.storage.models import Move, PeriodicTask


@dataclass(frozen=True)
class Selection:
    """Names may be patterns with `*`; of several conditions all must hold. `percent` is of all jobs of the source."""

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    percent: float | None = None
    everything: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said, which must not mean everything."""
        return not (self.names or self.tags or self.everything or self.percent is not None)


def chosen(moves: Iterable[Move], schedules: Mapping[int, PeriodicTask], wanted: Selection) -> list[Move]:
    """The moves that are meant."""
    return [move for move in moves if _is_meant(move, schedules.get(move.periodic_task_id or 0), wanted)]


def unknown(moves: Sequence[Move], schedules: Mapping[int, PeriodicTask], wanted: Selection) -> list[str]:
    """The names that are nobody's."""
    return [name for name in wanted.names if not chosen(moves, schedules, Selection(names=(name,)))]


def place_of(source_id: str) -> float:
    """Where a job stands between 0 and 100, always the same: so a greater share includes every smaller one."""
    return int.from_bytes(sha256(source_id.encode()).digest()[:8]) / 2**64 * 100


def _is_meant(move: Move, task: PeriodicTask | None, wanted: Selection) -> bool:
    called = (move.name, move.source_id, task.name if task is not None else move.name)
    return (
        (not wanted.names or any(fnmatchcase(name, pattern) for name in called for pattern in wanted.names))
        and (not wanted.tags or (task is not None and bool({*wanted.tags} & {*task.tags})))
        and (wanted.percent is None or place_of(move.source_id) < wanted.percent)
    )
