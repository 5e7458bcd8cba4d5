"""A calendar as somebody writes it down, read strictly: every mistake is named, with what was probably meant."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from difflib import get_close_matches
from typing import Any

import holidays
from holidays.registry import COUNTRIES

from scheduler_service.errors import FieldProblem, InvalidTiming
from scheduler_service.timing import crontab_fields
from scheduler_service.timing.calendars import YEARS, Calendar, Holidays

PARTS = ("dates", "ranges", "weekly", "holidays")
LONGEST_LIST = 1000  # entries in a part

_HOLIDAY_PARTS = ("country", "subdivision", "workdays")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EXAMPLE = "2026-12-24"
_Problems = list[FieldProblem]


def parse_calendar(definition: object) -> Calendar:
    """The calendar that a document means; any of its parts may be left out or null, but not all.

    `{"dates": ["2026-12-24"], "ranges": [{"start": "2026-12-24", "end": "2026-12-31"}], "weekly": ["sat", "sun"],
    "holidays": {"country": "CN", "subdivision": null, "workdays": true}}`. Raises: InvalidTiming, a problem for each
    bad field, named as in `ranges.1.end`.
    """
    if not isinstance(definition, dict):
        raise InvalidTiming.field("definition", "must be an object", '{"weekly": ["sat", "sun"]}')
    problems: _Problems = [_unknown(str(name), PARTS) for name in definition if name not in PARTS]
    dates = _each(definition, "dates", _date, problems)
    ranges = _each(definition, "ranges", _range, problems)
    weekly = _each(definition, "weekly", _weekday, problems)
    rule = _holidays(definition.get("holidays"), problems)
    if not (problems or dates or ranges or weekly or rule):
        problems.append(FieldProblem("definition", f"names no days: give {', '.join(PARTS)}", '{"weekly": ["sun"]}'))
    if problems:
        raise InvalidTiming(problems)
    return Calendar(frozenset(dates), tuple(sorted(set(ranges))), frozenset(weekly), rule)


def _each(
    definition: dict[Any, Any], part: str, read: Callable[[str, Any, _Problems], Any], problems: _Problems
) -> list[Any]:
    """The entries of one part, as far as they are right."""
    entries = definition.get(part)
    if entries is None:
        return []
    if not isinstance(entries, list) or len(entries) > LONGEST_LIST:
        problems.append(FieldProblem(part, f"must be a list of at most {LONGEST_LIST} entries"))
        return []
    found = (read(f"{part}.{number}", entry, problems) for number, entry in enumerate(entries))
    return [entry for entry in found if entry is not None]


def _date(field: str, text: Any, problems: _Problems) -> date | None:
    try:
        if not isinstance(text, str) or not _DATE.fullmatch(text):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        problems.append(FieldProblem(field, f"{_shown(text)} is no date", _EXAMPLE))
        return None
    if day.year not in YEARS:
        reason = f"{text} is not within the years {YEARS[0]} to {YEARS[-1]}"
        problems.append(FieldProblem(field, reason, _EXAMPLE))
        return None
    return day


def _range(field: str, entry: Any, problems: _Problems) -> tuple[date, date] | None:
    if not isinstance(entry, dict):
        problems.append(FieldProblem(field, "must have a start and an end", f'{{"start": "{_EXAMPLE}", "end": …}}'))
        return None
    problems += [_unknown(str(name), ("start", "end"), within=field) for name in entry if name not in ("start", "end")]
    start, end = (_date(f"{field}.{name}", entry.get(name), problems) for name in ("start", "end"))
    if start is None or end is None:
        return None
    if end < start:
        problems.append(FieldProblem(f"{field}.end", f"{end} is before the start, {start}", str(start)))
        return None
    return start, end


def _weekday(field: str, text: Any, problems: _Problems) -> int | None:
    names = crontab_fields.DAY_OF_WEEK.names
    for name, number in names.items():
        if isinstance(text, str) and len(text) >= 3 and name.startswith(text.lower()):
            return (number + 6) % 7
    near = get_close_matches(text.lower()[:60], names, n=1) if isinstance(text, str) else []
    reason = f"{_shown(text)} is no day of the week" + (f"; near to it: {near[0]}" if near else "")
    problems.append(FieldProblem(field, reason, "sat"))
    return None


def _holidays(entry: Any, problems: _Problems) -> Holidays | None:
    if entry is None:
        return None
    if not isinstance(entry, dict):
        problems.append(FieldProblem("holidays", "must name a country", '{"country": "CN"}'))
        return None
    found = list(_problems_of_holidays(entry))
    problems += found
    if found:
        return None
    return Holidays(entry["country"].upper(), entry.get("subdivision"), entry.get("workdays") is not False)


def _problems_of_holidays(entry: dict[Any, Any]) -> Iterator[FieldProblem]:
    yield from (_unknown(str(name), _HOLIDAY_PARTS, within="holidays") for name in entry if name not in _HOLIDAY_PARTS)
    if not isinstance(entry.get("workdays", True), bool | None):
        yield FieldProblem("holidays.workdays", "must be true or false", "true")
    known = holidays.list_supported_countries(include_aliases=False)
    country, subdivision = entry.get("country"), entry.get("subdivision")
    if not isinstance(country, str) or country.upper() not in known:
        yield _unknown_country(country)
        return
    parts = holidays.list_supported_countries(include_aliases=True)[country.upper()]
    if subdivision is not None and subdivision not in parts:
        yield _unknown_part(country.upper(), subdivision, parts)


def _unknown_country(country: Any) -> FieldProblem:
    """People write a country's name, or another of its codes, where its two letters are meant."""
    wanted = str(country)[:60].strip().lower().replace(" ", "_")
    codes = {name: entry[1] for name, entry in COUNTRIES.items()}
    codes |= {entry[2].lower(): entry[1] for entry in COUNTRIES.values()}
    near = list(dict.fromkeys(codes[name] for name in get_close_matches(wanted, codes, n=3, cutoff=0.75)))
    hint = f"; near to it: {', '.join(near)}" if near else ""
    reason = f"{_shown(country)} is no country, by the two letters of ISO 3166, whose holidays are known{hint}"
    return FieldProblem("holidays.country", reason, "CN")


def _unknown_part(country: str, subdivision: Any, parts: list[str]) -> FieldProblem:
    near = get_close_matches(str(subdivision)[:60], parts, n=3)
    there = f"near to it: {', '.join(near)}" if near else f"there are {', '.join(parts)}" if parts else "it has none"
    reason = f"{_shown(subdivision)} is no part of {country} with holidays of its own; {there}"
    return FieldProblem("holidays.subdivision", reason, parts[0] if parts else "null")


def _unknown(name: str, known: tuple[str, ...], *, within: str = "") -> FieldProblem:
    near = get_close_matches(name[:60], known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    return FieldProblem(f"{within}.{name[:60]}" if within else name[:60], f"is not known here; {hint}")


def _shown(value: Any) -> str:
    return repr(value)[:60]
