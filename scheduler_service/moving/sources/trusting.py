"""Pickles of another program, opened in a process that can do nothing with them."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from scheduler_service.moving.sources import unpickling
from scheduler_service.moving.sources.unpickling import SECONDS_EACH, TAG

LARGEST_BYTES = 1024**2  # of one pickle: a job is a kilobyte
START_SECONDS = 10


@dataclass(frozen=True)
class Refusal:
    """A pickle that was not opened, with why."""

    why: str


@dataclass(frozen=True)
class Zone:
    """A time zone, by name."""

    name: str


@dataclass(frozen=True)
class Foreign:
    """An object of a class of theirs: what it was made from, and its state."""

    of: str
    arguments: tuple[Any, ...]
    state: Any


def opened(pickles: Mapping[str, bytes], *, allow: Collection[str] = ()) -> dict[str, Any]:
    """What each holds, of plain values, Foreign and Zone; or a Refusal.

    `allow` are modules that may be imported for it. No pickle touches this process; one that kills the other process
    is refused, and the rest are opened in a new one.
    """
    found: dict[str, Any] = {key: Refusal("it is larger than a job can be") for key in pickles}
    left = [key for key, data in pickles.items() if len(data) <= LARGEST_BYTES]
    while left:
        told, end = _ask([pickles[key] for key in left], allow)
        for key, line in zip(left, told, strict=False):
            found[key] = Refusal(line["refused"]) if "refused" in line else _revived(line["holds"])
        if len(told) < len(left):
            found[left[len(told)]] = Refusal(end)
        left = left[len(told) + 1 :]
    return found


def _ask(pickles: list[bytes], allow: Collection[str]) -> tuple[list[dict[str, Any]], str]:
    """The answers that came, in order, and why no more did."""
    path = [str(Path.cwd()), *sys.path] if allow else []
    said = [json.dumps({"allow": sorted(allow), "path": path}).encode(), *map(base64.b64encode, pickles)]
    command = [sys.executable, "-I", str(unpickling.__file__)]
    seconds = START_SECONDS + SECONDS_EACH * len(pickles)
    environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    try:
        done = subprocess.run(
            command, input=b"\n".join(said), capture_output=True, timeout=seconds, env=environment, check=False
        )
    except subprocess.TimeoutExpired as late:
        return _lines(late.stdout), f"it takes longer than {SECONDS_EACH} seconds"
    if done.returncode == -signal.SIGALRM:
        return _lines(done.stdout), f"it takes longer than {SECONDS_EACH} seconds"
    return _lines(done.stdout), f"the process that opened it ended with {done.returncode}"


def _lines(out: bytes | None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out or b"").splitlines(keepends=True) if line.endswith(b"\n")]


def _revived(spelled: Any) -> Any:
    if isinstance(spelled, list):
        return [_revived(item) for item in spelled]
    if not isinstance(spelled, dict):
        return spelled
    if TAG not in spelled:
        return {key: _revived(item) for key, item in spelled.items()}
    return _REVIVED[spelled[TAG]](spelled)


def _items(spelled: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(_revived(item) for item in spelled["items"])


_REVIVED: dict[str, Any] = {
    "tuple": _items,
    "set": lambda spelled: Foreign("builtins.set", _items(spelled), None),
    "frozenset": lambda spelled: Foreign("builtins.frozenset", _items(spelled), None),
    "dict": lambda spelled: Foreign("builtins.dict", _items(spelled), None),
    "float": lambda spelled: float(spelled["text"]),
    "datetime": lambda spelled: datetime.fromisoformat(spelled["text"]),
    "date": lambda spelled: date.fromisoformat(spelled["text"]),
    "time": lambda spelled: time.fromisoformat(spelled["text"]),
    "timedelta": lambda spelled: timedelta(seconds=spelled["seconds"]),
    "zone": lambda spelled: Zone(spelled["name"]),
    "object": lambda spelled: Foreign(
        spelled["of"], tuple(_revived(item) for item in spelled["arguments"]), _revived(spelled["state"])
    ),
}
