"""The data directory: everything the service keeps on disk, and at most one `up` at a time on it."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scheduler_service.errors import CannotStart


def prepare(directory: Path) -> None:
    """Make the directory, readable by its owner alone. Raises: CannotStart, when it cannot be written."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as why:
        raise CannotStart(
            f"The data directory {directory.absolute()} cannot be written ({why.strerror}): "
            "mend it, or set SCHEDULER_DATA_DIR."
        ) from why


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Have the directory for one `up` alone. Raises: CannotStart, when another has it.

    The kernel drops the lock with the process, however that ends, so nothing stale can be left behind.
    """
    with (directory / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as why:
            file.seek(0)
            raise CannotStart(
                f"Another `up` (process {file.read().strip() or 'unknown'}) runs on the data directory "
                f"{directory.absolute()}: stop it, or set SCHEDULER_DATA_DIR."
            ) from why
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all; what was there is replaced."""
    draft = _draft(path, text)
    draft.replace(path)


def write_private_once(path: Path, text: str) -> None:
    """The same, but what is there stays: of two processes at once, one writes."""
    draft = _draft(path, text)
    try:
        path.hardlink_to(draft)  # unlike a rename it fails when the name is taken
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _draft(path: Path, text: str) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600 from the start
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
