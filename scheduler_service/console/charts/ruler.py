"""The day as a ruler, one pixel a minute, now in the middle: what became of runs on the left, what is planned right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from scheduler_service.console.words import Reader
from scheduler_service.services.tallies import BUCKET, Bucket
from scheduler_service.services.week_plans import Plan

WIDTH, HEIGHT, MIDDLE = 2880, 39, 1440
TALLEST, LEAST = 20, 2.0  # pixels
BAR = 9  # pixels of the ten that are ten minutes
TEXT_EVERY, TICK_EVERY = 3, 1  # hours
HALF_A_DAY = timedelta(hours=12)


@dataclass(frozen=True)
class Bar:
    """A ten minutes: where it begins, and how many runs."""

    x: float
    runs: int


def ruler(reader: Reader, past: Sequence[Bucket], plan: Plan | None) -> Markup:
    """The drawing, and in its label what it shows."""
    ran = [Bar(_x(reader, one.at), one.ran) for one in past]
    wrong = [Bar(_x(reader, one.at), one.wrong) for one in past if one.wrong]
    planned = [
        Bar(_x(reader, plan.start + place * BUCKET), count)
        for place, count in enumerate(plan.counts if plan else ())
        if count and plan and plan.start + (place + 1) * BUCKET > reader.now
    ]
    most = max((bar.runs for bar in (*ran, *planned) if -10 <= bar.x <= WIDTH), default=0)
    grid, texts = _scale(reader)
    return Markup(
        '<svg width="{}" height="{}" role="img" aria-label="{}">{}<path class="v-past" d="{}"/>'
        '<path class="v-bad" d="{}"/><path class="v-next" d="{}"/>{}'
        '<path class="nowline" d="M1440 0v39"/><path class="nowdot" d="M1435 0h10l-5 6z"/></svg>'
    ).format(
        WIDTH,
        HEIGHT,
        finding(reader, past, plan),
        grid,
        _path(ran, most, until=MIDDLE),
        _path(wrong, most, until=MIDDLE),
        _path(planned, most, since=MIDDLE),
        texts,
    )


def finding(reader: Reader, past: Sequence[Bucket], plan: Plan | None) -> str:
    """What the ruler shows, in words."""
    since = reader.now - HALF_A_DAY
    ran = sum(one.ran for one in past if one.at >= since)
    wrong = sum(one.wrong for one in past if one.at >= since)
    said = reader.say(
        "Last 12 hours: %(runs)s runs, %(failed)s failed.", runs=reader.number(ran), failed=reader.number(wrong)
    )
    if plan is None:
        return said
    counts = {plan.start + place * BUCKET: count for place, count in enumerate(plan.counts)}
    coming = {at: count for at, count in counts.items() if at < reader.now + HALF_A_DAY}
    total = reader.number(sum(coming.values()))
    ahead = reader.say("Next 12 hours: %(runs)s planned.", runs=total)
    if any(coming.values()):
        fullest = max(coming, key=lambda at: coming[at]).astimezone(reader.zone)
        ahead = reader.say(
            "Next 12 hours: %(runs)s planned, fullest at %(time)s.", runs=total, time=fullest.strftime("%H:%M")
        )
    return f"{said} {ahead}"


def _x(reader: Reader, at: datetime) -> float:
    return MIDDLE + (at - reader.now).total_seconds() / 60


def _path(bars: Iterable[Bar], most: int, *, since: float = -10, until: float = WIDTH) -> str:
    """One path for all of them: a bar that reaches over now ends there."""
    drawn = []
    for bar in bars:
        left, right = max(bar.x, since), min(bar.x + BAR, until)
        if bar.runs and left < right:
            height = max(LEAST, TALLEST * bar.runs / most)
            drawn.append(f"M{left:.4g} {HEIGHT}h{right - left:.3g}v-{height:.3g}h-{right - left:.3g}z")
    return "".join(drawn)


def _scale(reader: Reader) -> tuple[Markup, Markup]:
    """A tick each hour, a time every three, and the day where it begins."""
    hour = (reader.now - timedelta(hours=24)).astimezone(reader.zone).replace(minute=0, second=0, microsecond=0)
    ticks, days, texts = [], [], Markup()
    for _ in range(50):
        x = _x(reader, hour)
        local = hour.astimezone(reader.zone)
        if local.hour == 0:
            days.append(f"M{x:.5g} 0v39")
            texts += Markup('<text x="{:.5g}" y="14" class="t-ink">{}</text>').format(x + 5, reader.day(local.date()))
        else:
            ticks.append(f"M{x:.5g} 0v3")
            if local.hour % TEXT_EVERY == 0:
                texts += Markup('<text class="c" x="{:.5g}" y="14">{}</text>').format(x, local.strftime("%H:%M"))
        hour = (hour.astimezone(UTC) + timedelta(hours=TICK_EVERY)).astimezone(reader.zone)
    grid = Markup('<path class="ax" d="{}"/><path class="ax-2" d="{}"/>').format("".join(ticks), "".join(days))
    return grid, texts
