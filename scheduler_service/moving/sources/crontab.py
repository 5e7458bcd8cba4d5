"""A crontab file: a person's, or the system's with a user in each line. It is read, and edited by hand."""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from scheduler_service.errors import InvalidTiming, SourceAway, SourceReadOnly
from scheduler_service.moving.found import FoundCrontab, FoundJob, FoundTrigger, NoInstants, Unreadable
from scheduler_service.timing import zones
from scheduler_service.timing.crontab import ALIASES

KIND = "crontab"
#: Where a line names the user that runs it.
SYSTEM = ("/etc/crontab", "/etc/cron.d/")
_SETTING = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")
_SHELL = "It is a command of the shell: give the mapping the task that does the same."
_PERCENT = "A % in it means a new line, and what follows is the command's input: see that the task does the same."


class CrontabFile:
    """`crontab:/etc/crontab`, or of a person: `crontab:mine.txt`; `?user=yes` or `no` where the path does not tell."""

    kind = KIND

    def __init__(self, place: str, *, timezone: str | None = None) -> None:
        path, _, query = place.partition("?")
        self._path = Path(path)
        self._has_user = query == "user=yes" or (query != "user=no" and path.startswith(SYSTEM))
        self._timezone = timezone or _local_timezone()
        self.label = f"{KIND}:{self._path.resolve()}"

    def jobs(self) -> list[FoundJob]:
        found: dict[str, FoundJob] = {}
        for job in self._lines():
            name, number = job.id, 1
            while name in found:
                number += 1
                name = f"{job.id}#{number}"
            found[name] = FoundJob(**{**vars(job), "id": name, "name": name})
        return sorted(found.values(), key=lambda job: job.id)

    def instants(self, job: FoundJob, *, after: datetime, count: int) -> list[datetime]:
        """By cronsim, which goes by Debian's cron. Raises: NoInstants."""
        if not isinstance(job.trigger, FoundCrontab):
            raise NoInstants("cron starts it at no time of the clock")
        try:
            from cronsim import CronSim, CronSimError
        except ImportError:
            raise NoInstants(
                "cron itself cannot be asked; cronsim, which does as it does, can: pip install cronsim"
            ) from None
        trigger = job.trigger
        fields = (trigger.minute, trigger.hour, trigger.day_of_month, trigger.month_of_year, trigger.day_of_week)
        try:
            steps = CronSim(" ".join(fields), after.astimezone(zones.load(trigger.timezone)))
            found = (at.astimezone(UTC) for at in steps)
            later = (at for at in found if at > after)
            return [at for at, _ in zip(later, range(count), strict=False)]
        except (CronSimError, InvalidTiming) as why:
            raise NoInstants(f"it is not read as a crontab: {why}") from why

    def pause(self, ids: Collection[str]) -> None:
        raise SourceReadOnly(self.label, f"put a # before {self._named(ids)}")

    def resume(self, ids: Collection[str], *, not_before: datetime) -> None:
        raise SourceReadOnly(self.label, f"take the # away from before {', '.join(sorted(ids))}")

    def are_paused(self, ids: Collection[str]) -> dict[str, bool]:
        there = {job.id for job in self.jobs()}
        return {job_id: job_id not in there for job_id in ids}

    def waits(self, ids: Collection[str]) -> dict[str, datetime]:
        """Cron keeps none."""
        return {}

    def last_runs(self, ids: Sequence[str]) -> dict[str, datetime]:
        """Cron keeps none."""
        return {}

    def _named(self, ids: Collection[str]) -> str:
        lines = {job.id: job.original["line"] for job in self.jobs()}
        return ", ".join(f"line {lines[job_id]}" for job_id in sorted(ids) if job_id in lines)

    def _lines(self) -> Iterator[FoundJob]:
        timezone = self._timezone
        for number, line in enumerate(self._text().splitlines(), 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if setting := _SETTING.match(line):
                if setting[1] == "CRON_TZ":
                    timezone = setting[2].strip("\"'")
                continue
            yield self._job(line, number, timezone)

    def _text(self) -> str:
        try:
            return self._path.read_text(errors="replace")
        except OSError as why:
            raise SourceAway(self.label, str(why.strerror)) from why

    def _job(self, line: str, number: int, timezone: str) -> FoundJob:
        words = 1 if line.lstrip().startswith("@") else 5
        parts = line.split(None, words + self._has_user)
        when, rest = parts[:words], parts[words:]
        user = rest.pop(0) if self._has_user and rest else None
        command = rest[0] if rest else ""
        trigger = _trigger(when, timezone) if command else Unreadable("the line has no command")
        problems = (_SHELL, _PERCENT) if "%" in command.replace("\\%", "") else (_SHELL,)
        identity = f"{user}: {command}" if user else command or line.strip()
        original = {"line": number, "text": line.strip(), "command": command, "user": user, "timezone": timezone}
        return FoundJob(
            identity,
            identity,
            trigger,
            misfire_grace_seconds=60,
            max_instances=None,
            problems=problems,
            original=original,
        )


def _trigger(when: list[str], timezone: str) -> FoundTrigger:
    if len(when) == 1:
        alias = ALIASES.get(when[0].lower())
        if alias is None:
            return Unreadable(f"{when[0]} is at no time of the clock")
        when = alias.split()
    minute, hour, day_of_month, month_of_year, day_of_week = when
    return FoundCrontab(minute, hour, day_of_month, month_of_year, day_of_week, timezone, day_match="or")


def _local_timezone() -> str:
    """Cron goes by the machine's clock."""
    from tzlocal import get_localzone_name

    return str(get_localzone_name() or "UTC")
