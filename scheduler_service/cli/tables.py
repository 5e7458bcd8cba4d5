"""What commands print: tables for people, JSON for programs; data on stdout, all else on stderr."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scheduler_service.client.documents import Document

WIDEST = 100_000  # columns where there is no terminal: nothing is cut
GAP = 2  # columns between two of a table
GOOD, MIDDLING, BAD = "green", "yellow", "red"
STYLES = {
    **dict.fromkeys(("active", "succeeded", "alive", "running"), GOOD),
    **dict.fromkeys(("paused", "skipped", "retrying", "buffered", "missed", "dropped", "expired", "silent"), MIDDLING),
    **dict.fromkeys(("shadow", "shadowed", "doubtful"), MIDDLING),
    **dict.fromkeys(("failed", "lost", "timed_out", "quarantined", "cancelled", "stopped", "revoked"), BAD),
}


def show_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, spare: Sequence[str] = ()) -> None:
    """A table, whose last column folds. Where the terminal is too narrow, `spare` columns are left out, in order."""
    cells = [[cell(value) for value in row] for row in rows]
    texts = {heading: [row[at] for row in cells] for at, heading in enumerate(headings)}
    widths = {heading: max(cell_len(str(text)) for text in (heading, *texts[heading])) for heading in headings}
    for heading in spare:
        if sum(widths.values()) + GAP * (len(widths) - 1) > _console().width:
            del widths[heading]
    table = Table(box=None, pad_edge=False, header_style="bold")
    *narrow, last = widths
    for heading in narrow:
        table.add_column(heading, no_wrap=True)
    table.add_column(last, overflow="fold")
    for row in zip(*(texts[heading] for heading in widths), strict=True):
        table.add_row(*row)
    _print(table)


def show_document(document: Document, *, as_json: bool, first: Sequence[str] = ()) -> None:
    """One thing: for people a line a field, some first, without those that hold nothing."""
    if as_json:
        return show_json(document.as_json())
    fields = dict(document)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name in dict.fromkeys([*first, *fields]):
        if fields[name] not in (None, "", [], {}):
            table.add_row(name, cell(fields[name]))
    return _print(table)


def tell(document: Document, sentence: str, *, as_json: bool) -> None:
    """What became of one thing: for people a sentence."""
    if as_json:
        show_json(document.as_json())
    else:
        show_lines([(sentence, "")])


def show_lines(lines: Iterable[tuple[str, str]]) -> None:
    """Lines, each with a style of its own."""
    console = _console()
    for line, style in lines:
        console.print(Text(printable(line), style), soft_wrap=True)


def show_json(value: Any, *, indent: int | None = 2) -> None:
    """For programs."""
    click.echo(json.dumps(value, indent=indent, ensure_ascii=False))


def note(text: str) -> None:
    """What is not data."""
    click.echo(printable(text), err=True)


def cell(value: Any) -> Text:
    """A value as a person reads it; a state has its colour."""
    text = in_words(value)
    return Text(printable(text), STYLES.get(text, ""))


def in_words(value: Any) -> str:
    """A value in a cell."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Document):
        value = value.as_json()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def printable(text: str) -> str:
    """Text of a task or of another person, which must not steer the terminal."""
    return "".join(
        character if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs") else "\ufffd"
        for character in text
    )


def _print(table: Table) -> None:
    """Without the spaces that fill up the last column."""
    console = _console()
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _console() -> Console:
    width = None if sys.stdout.isatty() else WIDEST
    return Console(width=width, highlight=False, markup=False, emoji=False)
