"""The process that opens pickles, and what they may do there: be data.

A pickle is a program. This one runs it with nothing to call: the classes of dates and zones are real, every other
name is an inert stand-in that keeps what it is given, and calling one that is not known to be data is refused. Only
what a person allowed is imported. Run alone, by `python -I`, with the standard library, little memory and little time;
it hears one line of JSON for each pickle and answers with one, in which every object is spelled out.
"""

import base64
import io
import json
import math
import pickle
import resource
import signal
import sys
from collections import OrderedDict
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

MEMORY_BYTES = 256 * 1024**2
SECONDS_EACH = 5
NODES = 50_000
CHARACTERS = 2_000_000
TAG = "!"

#: As the oldest protocols write them.
OLD_NAMES = {"__builtin__": "builtins", "copy_reg": "copyreg"}
#: What may be called, and is kept with its arguments instead.
CALLED_AS_DATA = {
    "decimal.Decimal",
    "uuid.UUID",
    "uuid.SafeUUID",
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    "pathlib.Path",
    "collections.deque",
    "collections.defaultdict",
    "celery.beat.ScheduleEntry",
    "celery.schedules.schedule",
    "celery.schedules.crontab",
    "celery.schedules.solar",
    "celery.schedules.ffwd",
}


class Refused(Exception):
    """The pickle wants what it may not have."""


class Inert(type):
    """The class of stand-ins: an instance may be made as pickle makes them, and calling one is refused."""

    named: str

    def __call__(cls, *arguments: Any, **keywords: Any) -> Any:
        if cls.named not in CALLED_AS_DATA or keywords:
            raise Refused(f"it calls {cls.named}")
        return Kept.__new__(cls, *arguments)  # type: ignore[arg-type]


class Kept(metaclass=Inert):
    """What is known of an object whose class is not here."""

    named = ""
    arguments: tuple[Any, ...] = ()
    state: Any = None

    def __new__(cls, *arguments: Any, **_keywords: Any) -> "Kept":
        made = object.__new__(cls)
        made.arguments = arguments
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = state


class OldZone(tzinfo):
    """A pytz zone in a datetime, where it has the one offset that held then."""

    def __init__(self, name: str, offset: timedelta) -> None:
        self.key, self._offset = name, offset

    def utcoffset(self, _at: datetime | None) -> timedelta:
        return self._offset

    def tzname(self, _at: datetime | None) -> str:
        return self.key

    def dst(self, _at: datetime | None) -> None:
        return None


def pytz_zone(name: str, offset_seconds: float | None = None, *_known: Any) -> tzinfo:
    return ZoneInfo(name) if offset_seconds is None else OldZone(name, timedelta(seconds=offset_seconds))


def pytz_utc() -> tzinfo:
    return timezone.utc  # noqa: UP017 - one name for both


def pytz_offset(minutes: int) -> tzinfo:
    return timezone(timedelta(minutes=minutes))


def shimmed_zone(zone: Any, _key: Any = None) -> tzinfo:
    if not isinstance(zone, tzinfo):
        raise Refused("it wraps what is no zone")
    return zone


def only_unpickle(owner: Any, name: Any) -> Any:
    """The one attribute that a zone's pickle asks for."""
    if owner is ZoneInfo and name == "_unpickle":
        return ZoneInfo._unpickle  # type: ignore[attr-defined]
    raise Refused(f"it looks up the attribute {str(name)[:60]}")


def reconstruct(made_of: Any, base: Any, state: Any) -> Any:
    """How the oldest protocols make an object."""
    if not isinstance(made_of, Inert) or base is not object or state is not None:
        raise Refused("it makes an object in an odd way")
    return Kept.__new__(made_of)  # type: ignore[arg-type]


def latin1(text: str, encoding: str) -> bytes:
    """How the oldest protocols write bytes."""
    if encoding != "latin1":
        raise Refused(f"it encodes as {str(encoding)[:60]}")
    return text.encode("latin1")


REAL: dict[str, Any] = {
    "datetime.datetime": datetime,
    "datetime.date": date,
    "datetime.time": time,
    "datetime.timedelta": timedelta,
    "datetime.timezone": timezone,
    "zoneinfo.ZoneInfo": ZoneInfo,
    "zoneinfo.ZoneInfo._unpickle": ZoneInfo._unpickle,  # type: ignore[attr-defined]
    "backports.zoneinfo.ZoneInfo": ZoneInfo,
    "builtins.getattr": only_unpickle,
    "builtins.set": set,
    "builtins.frozenset": frozenset,
    "builtins.object": object,
    "collections.OrderedDict": OrderedDict,
    "copyreg._reconstructor": reconstruct,
    "_codecs.encode": latin1,
    "pytz._p": pytz_zone,
    "pytz._UTC": pytz_utc,
    "pytz.FixedOffset": pytz_offset,
    "pytz._FixedOffset": pytz_offset,
    "pytz_deprecation_shim._impl.wrap_zone": shimmed_zone,
    "dateutil.tz.tz.tzutc": pytz_utc,
}


class Unpickler(pickle.Unpickler):
    """Finds stand-ins, and imports what is allowed."""

    def __init__(self, data: bytes, allow: frozenset[str]) -> None:
        super().__init__(io.BytesIO(data))
        self._allow = allow
        self._standins: dict[str, Inert] = {}

    def find_class(self, module: str, name: str) -> Any:
        module = OLD_NAMES.get(module, module)
        named = f"{module}.{name}"
        if named in REAL:
            return REAL[named]
        parts = module.split(".")
        if any(".".join(parts[:count]) in self._allow for count in range(1, len(parts) + 1)):
            return super().find_class(module, name)
        if named not in self._standins:
            self._standins[named] = Inert("Kept", (Kept,), {"named": named})
        return self._standins[named]

    def persistent_load(self, _pid: Any) -> Any:
        raise Refused("it refers to something outside of itself")


class Speller:
    """Objects as JSON, each with its class; what shares its parts to grow without end is refused."""

    def __init__(self) -> None:
        self._nodes, self._characters = NODES, CHARACTERS

    def spell(self, value: Any) -> Any:
        self._spend(value)
        if value is None or isinstance(value, bool | int | str):
            return value if type(value) in (type(None), bool, int, str) else self._instance(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else {TAG: "float", "text": str(value)}
        if isinstance(value, dict):
            return self._mapping(value)
        if isinstance(value, list):
            return [self.spell(item) for item in value]
        return self._tagged(value)

    def _spend(self, value: Any) -> None:
        self._nodes -= 1
        if isinstance(value, str | bytes | bytearray):
            self._characters -= len(value)
        if self._nodes < 0 or self._characters < 0:
            raise Refused("it holds more than a job can")

    def _mapping(self, value: dict[Any, Any]) -> dict[str, Any]:
        if all(type(key) is str and key != TAG for key in value):
            return {key: self.spell(item) for key, item in value.items()}
        return {TAG: "dict", "items": [[self.spell(key), self.spell(item)] for key, item in value.items()]}

    def _tagged(self, value: Any) -> dict[str, Any]:
        if isinstance(value, tuple | set | frozenset):
            return {TAG: type(value).__name__, "items": [self.spell(item) for item in value]}
        if isinstance(value, datetime | date | time):
            return {TAG: type(value).__name__, "text": value.isoformat()}
        if isinstance(value, timedelta):
            return {TAG: "timedelta", "seconds": value.total_seconds()}
        if isinstance(value, tzinfo):
            return {TAG: "zone", "name": zone_name(value)}
        if isinstance(value, Kept):
            arguments = [self.spell(item) for item in value.arguments]
            return {TAG: "object", "of": value.named, "arguments": arguments, "state": self.spell(value.state)}
        return self._instance(value)

    def _instance(self, value: Any) -> dict[str, Any]:
        made_of = type(value)
        return {TAG: "object", "of": f"{made_of.__module__}.{made_of.__qualname__}", "arguments": [], "state": None}


def zone_name(zone: tzinfo) -> str:
    key = getattr(zone, "key", None)
    if key:
        return str(key)
    offset = zone.utcoffset(None)
    if not offset:
        return "UTC"
    hours, rest = divmod(offset, timedelta(hours=1))
    return f"Etc/GMT{-hours:+d}" if not rest else str(zone)


def answer(data: bytes, allow: frozenset[str]) -> dict[str, Any]:
    """What a pickle holds, or why that is not said."""
    try:
        return {"holds": Speller().spell(Unpickler(data, allow).load())}
    except Refused as why:
        return {"refused": str(why)}
    except MemoryError:
        return {"refused": "it needs more memory than it may have"}
    except Exception as why:  # noqa: BLE001 - whatever a pickle of another program raises is said of that one
        return {"refused": f"it cannot be opened ({type(why).__name__}: {str(why)[:200]})"}


def limit() -> None:
    for what, most in ((resource.RLIMIT_DATA, MEMORY_BYTES), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (most, most))


def main() -> None:
    """One pickle after the other; one that takes too long ends the process, and the parent goes on with the next."""
    said = json.loads(sys.stdin.readline())
    sys.path += said["path"]
    limit()
    for line in sys.stdin:
        signal.alarm(SECONDS_EACH)
        told = answer(base64.b64decode(line), frozenset(said["allow"]))
        signal.alarm(0)
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
