"""Which files a path means, and that all of them lie where collects may read.

Links are followed before the check. Globs are expanded here and not by DuckDB, so that each match is checked.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from scheduler_service.errors import FileMissing, FormatUnclear, PathOutsideRoots
from scheduler_service.workloads.collect.definitions import Format
from scheduler_service.workloads.collect.unpacking import PACKED


def _or_packed(*endings: str) -> tuple[str, ...]:
    return (*endings, *(f"{ending}{packed}" for ending in endings for packed in PACKED))


ENDINGS: dict[Format, tuple[str, ...]] = {
    "csv": _or_packed(".csv"),
    "jsonl": _or_packed(".jsonl", ".ndjson"),
    "parquet": (".parquet",),
    "excel": (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"),
}
WILD = frozenset("*?[")


def find(path: str, *, roots: Sequence[Path], endings: tuple[str, ...]) -> list[Path]:
    """The files meant, links resolved, in order of name. A folder means its files with these endings; a missing
    file or folder is FileMissing, a glob that matches nothing is nothing. Raises PathOutsideRoots."""
    allowed = [_resolved(root, str(root)) for root in roots]
    if not allowed:
        raise PathOutsideRoots(path)
    whole = allowed[0] / path
    fixed, pattern = _split(whole)
    _refuse_outside(fixed, path, allowed)
    if pattern:
        found: Iterable[Path] = (match for match in fixed.glob(pattern) if match.is_file())
    elif whole.is_dir():
        found = (child for child in whole.iterdir() if child.is_file() and child.name.lower().endswith(endings))
    elif whole.is_file():
        return [_resolved(whole, path)]
    else:
        raise FileMissing(path, "there is no such file or folder")
    visible = sorted(file for file in found if not file.name.startswith("."))
    return list(dict.fromkeys(_refuse_outside(file, file.name, allowed) for file in visible))


def format_of(names: Sequence[str]) -> Format:
    """What files of these names are. Raises: FormatUnclear."""
    kinds: dict[Format, str] = {}
    for name in names:
        kind = next((kind for kind, endings in ENDINGS.items() if name.lower().endswith(endings)), None)
        if kind is None:
            raise FormatUnclear(f"the ending of {name or 'the URL'} does not tell")
        kinds.setdefault(kind, name)
    if len(kinds) > 1:
        raise FormatUnclear(f"there are {' and '.join(kinds.values())}")
    return next(iter(kinds), "csv")


def _split(whole: Path) -> tuple[Path, str]:
    """The part of a path before its first wildcard, and the pattern after it; a path that exists has none."""
    wild = [number for number, part in enumerate(whole.parts) if WILD & set(part)]
    if not wild or whole.exists():
        return whole, ""
    return Path(*whole.parts[: wild[0]]), "/".join(whole.parts[wild[0] :])


def _refuse_outside(file: Path, shown: str, allowed: Sequence[Path]) -> Path:
    resolved = _resolved(file, shown)
    if not any(resolved.is_relative_to(root) for root in allowed):
        raise PathOutsideRoots(shown)
    return resolved


def _resolved(path: Path, shown: str) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # a loop of links
        raise FileMissing(shown, "its links lead in a circle") from error
