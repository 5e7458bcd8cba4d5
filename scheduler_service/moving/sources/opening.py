"""A source by the text that names it on the command line: its kind, and where it is."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from scheduler_service.errors import SourceNotUnderstood
from scheduler_service.moving.found import Source


@dataclass(frozen=True)
class Options:
    """What else a person says of a source."""

    trust_pickle: bool = False
    allow: Collection[str] = ()
    library_path: Path | None = None  # where APScheduler 4 is, which cannot be installed beside 3
    timezone: str | None = None  # what an address that does not say it means


def open_source(
    text: str,
    *,
    trust_pickle: bool = False,
    allow: Collection[str] = (),
    library_path: Path | None = None,
    timezone: str | None = None,
) -> Source:
    """The source that a text names: `apscheduler+sqlite:///jobs.db`, `crontab:/etc/crontab`. It is not looked at.

    Raises: SourceNotUnderstood, for a kind that is not known or an address that is none.
    """
    kind, where = _split(text)
    opener = _OPENERS.get(kind)
    if opener is None:
        raise SourceNotUnderstood(_without_secrets(text), f"its kind must be one of {', '.join(sorted(_OPENERS))}")
    return opener(where, Options(trust_pickle, allow, library_path, timezone))


def _split(text: str) -> tuple[str, str]:
    """`kind+url`, or `kind:place`."""
    for kind in _OPENERS:
        if text.startswith((f"{kind}+", f"{kind}:")):
            return kind, text[len(kind) + 1 :]
    return text, ""


def _without_secrets(text: str) -> str:
    scheme, there, rest = text.partition("://")
    return f"{scheme}{there}{rest.rpartition('@')[2]}"[:200]


def _apscheduler3(where: str, options: Options) -> Source:
    if where.startswith(("redis", "valkey")):
        from scheduler_service.moving.sources.apscheduler3_redis import Apscheduler3Redis

        return Apscheduler3Redis(where, trust_pickle=options.trust_pickle, allow=options.allow)
    from scheduler_service.moving.sources.apscheduler3_sql import Apscheduler3Sql

    return Apscheduler3Sql(where, trust_pickle=options.trust_pickle, allow=options.allow)


def _apscheduler4(where: str, options: Options) -> Source:
    from scheduler_service.moving.sources.apscheduler4 import Apscheduler4

    trust, allow = options.trust_pickle, options.allow
    return Apscheduler4(where, trust_pickle=trust, allow=allow, library=options.library_path)


def _beat_tables(kind: str) -> Callable[[str, Options], Source]:
    def opened(where: str, options: Options) -> Source:
        from scheduler_service.moving.sources.beat_tables import LAYOUTS, BeatTables

        return BeatTables(LAYOUTS[kind], where, timezone=options.timezone)

    return opened


def _redbeat(where: str, options: Options) -> Source:
    from scheduler_service.moving.sources.redbeat import RedBeat

    return RedBeat(where, timezone=options.timezone)


def _beat_schedule(where: str, options: Options) -> Source:
    from scheduler_service.moving.sources.beat_schedule import BeatScheduleFile, BeatScheduleOfApp

    if "/" in where or Path(where).exists():
        return BeatScheduleFile(where, trust_pickle=options.trust_pickle, allow=options.allow)
    return BeatScheduleOfApp(where)


def _crontab(where: str, options: Options) -> Source:
    from scheduler_service.moving.sources.crontab import CrontabFile

    return CrontabFile(where, timezone=options.timezone)


_OPENERS: dict[str, Callable[[str, Options], Source]] = {
    "apscheduler": _apscheduler3,
    "apscheduler4": _apscheduler4,
    "django-celery-beat": _beat_tables("django-celery-beat"),
    "celery-sqlalchemy-scheduler": _beat_tables("celery-sqlalchemy-scheduler"),
    "sqlalchemy-celery-beat": _beat_tables("sqlalchemy-celery-beat"),
    "redbeat": _redbeat,
    "beat-schedule": _beat_schedule,
    "crontab": _crontab,
}
