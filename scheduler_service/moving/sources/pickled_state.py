"""A pickled job state with another `next_run_time`: what pausing and resuming write, and nothing is opened for it.

The state is a dictionary, the last thing that the pickle builds. So the new value is set by three operations more,
before its end, and every other byte stays as the library wrote it; it reads it as it reads its own.
"""

import io
import pickle
import pickletools
from datetime import datetime

from scheduler_service.errors import SourceNotUnderstood

_KEY = b"\x8c\rnext_run_time"  # SHORT_BINUNICODE, 13 characters
_NONE, _SETITEM, _STOP, _FRAME = b"N", b"s", b".", b"\x95"
_FRAME_HEAD = 9  # the operation, and eight bytes of length


def with_next_run_time(state: bytes, at: datetime | None, *, label: str) -> bytes:
    """The same job, next due at that instant; None: paused. Raises: SourceNotUnderstood, when it is no such pickle."""
    added = _KEY + (_NONE if at is None else _pickled(at)) + _SETITEM
    try:
        operations = list(pickletools.genops(state))
        longer = _longer_frame(state, operations, len(added))
        changed = longer[:-1] + added + _STOP
        pickletools.dis(changed, out=io.StringIO())  # checks the stack at every operation
    except (ValueError, IndexError) as why:
        raise SourceNotUnderstood(label, f"a job's state is no pickle ({why})") from why
    if not _is_dictionary(operations) or operations[-1][2] != len(state) - 1:
        raise SourceNotUnderstood(label, "a job's state is not the dictionary that APScheduler 3 writes")
    return changed


def _pickled(at: datetime) -> bytes:
    """Without its beginning and end; the third protocol has no frames, and nothing is to be remembered."""
    return pickletools.optimize(pickle.dumps(at, protocol=3))[2:-1]


def _is_dictionary(operations: list[tuple[pickletools.OpcodeInfo, object, int | None]]) -> bool:
    """Whether the first thing built is a dictionary; as the stack is right, it is also what the pickle is."""
    names = (operation.name for operation, _, _ in operations)
    built = [name for name in names if name not in ("PROTO", "FRAME")]
    return built[0] == "EMPTY_DICT" or built[:2] == ["MARK", "DICT"]


def _longer_frame(state: bytes, operations: list[tuple[pickletools.OpcodeInfo, object, int | None]], by: int) -> bytes:
    """A frame that ends with the pickle shall end with it still."""
    frames = [(place, argument) for operation, argument, place in operations if operation.name == "FRAME"]
    if not frames:
        return state
    place, length = frames[-1]
    assert place is not None
    assert isinstance(length, int)
    if place + _FRAME_HEAD + length != len(state):
        return state
    head = _FRAME + (length + by).to_bytes(8, "little")
    return state[:place] + head + state[place + _FRAME_HEAD :]
