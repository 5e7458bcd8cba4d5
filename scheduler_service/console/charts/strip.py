"""The latest runs of a schedule in its row: low bars ran, full ones went wrong, what was not sent has a mark.

And what a check came to: low bars passed, a mark warned, full ones stopped the run.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from markupsafe import Markup

from scheduler_service.console import words
from scheduler_service.services.schedule_tables import RUNS_SHOWN, WENT_WRONG
from scheduler_service.storage.latest_runs import LatestRun

STEP, WIDTH, BASE, FULL = 6, 4, 15, 14
LOWEST, HIGHEST = 5.0, 9.0
#: How a check ended that was looked at.
Look = Literal["passed", "warned", "stopped"]
NEVER_SENT = ("skipped", "dropped", "expired", "cancelled", "shadowed")


def strip(past: Sequence[LatestRun]) -> Markup:
    """The runs, oldest first, the latest at the right edge; an empty text for none."""
    if not past:
        return Markup()
    longest = max((run.took_seconds or 0.0 for run in past), default=0.0)
    first = RUNS_SHOWN - len(past)
    return _strip((_drawn(run, place * STEP, longest) for place, run in enumerate(past, first)), _label(past))


def of_looks(past: Sequence[Look]) -> Markup:
    """What a check came to, oldest first, the latest at the right edge; an empty text where it was never looked."""
    if not past:
        return Markup()
    said = words.reading().say_many(
        "looked %(count)s time, %(warned)s warned, %(stopped)s stopped the run",
        "looked %(count)s times, %(warned)s warned, %(stopped)s stopped the run",
        len(past),
        warned=past.count("warned"),
        stopped=past.count("stopped"),
    )
    return _strip((_look(one, place * STEP) for place, one in enumerate(past, RUNS_SHOWN - len(past))), said)


def _strip(drawn: Iterable[tuple[str, str]], label: str) -> Markup:
    """From the tone and the path of each."""
    paths: dict[str, str] = {}
    for tone, path in drawn:
        paths[tone] = paths.get(tone, "") + path
    shapes = Markup().join(Markup('<path class="{}" d="{}"/>').format(tone, path) for tone, path in paths.items())
    size = Markup('width="{}" height="16"').format(RUNS_SHOWN * STEP)
    return Markup('<svg class="strip" {} role="img" aria-label="{}">{}</svg>').format(size, label, shapes)


def _look(one: Look, x: int) -> tuple[str, str]:
    if one == "stopped":
        return "v-bad", _bar(x, FULL)
    return ("v-warn", _diamond(x)) if one == "warned" else ("v-past", _bar(x, LOWEST))


def _drawn(run: LatestRun, x: int, longest: float) -> tuple[str, str]:
    """Its class, and its path."""
    if run.state in WENT_WRONG:
        return "v-bad", _bar(x, FULL)
    if run.state == "missed":
        return "v-warn", _diamond(x)
    if run.state in NEVER_SENT:
        return "v-next", f"M{x} 10h{WIDTH}v2h-{WIDTH}z"
    height = LOWEST + (HIGHEST - LOWEST) * ((run.took_seconds or 0.0) / longest if longest else 0.0)
    return ("v-past" if run.state == "succeeded" else "v-now"), _bar(x, round(height, 1))


def _diamond(x: int) -> str:
    return f"M{x + 2} 8.5l2.5 2.5-2.5 2.5-2.5-2.5z"


def _bar(x: int, height: float) -> str:
    return f"M{x} {BASE}h{WIDTH}v-{height:g}h-{WIDTH}z"


def _label(past: Sequence[LatestRun]) -> str:
    reader = words.reading()
    states = [run.state for run in past]
    failed, missed = sum(state in WENT_WRONG for state in states), states.count("missed")
    said = reader.say_many(
        "%(count)s run, %(failed)s failed", "%(count)s runs, %(failed)s failed", len(past), failed=failed
    )
    return f"{said}, {reader.say('%(n)s missed', n=missed)}" if missed else said
