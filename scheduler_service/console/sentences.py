"""What the service wrote down in English, in the reader's language: why a run is as it is, what is wrong with a field,
what an error says, what the doctor found.

Services write whole sentences with their facts in them, and know no reader. Here each kind of sentence is known by its
pattern, which is its message id in `translations/sentences.po`; one that is not known (a task's own words, a
database's) is shown as it was written.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from scheduler_service.console import words
from scheduler_service.console.words import Reader

_LIBRARY = re.compile(r'File "[^"]*(site-packages|/lib/python3|[/"](celery|billiard|kombu)/)')
_PLACE = re.compile(r"%\((\w+)\)s")
#: How long something takes.
_SECONDS = re.compile(r"%\((\w*seconds)\)s s\b")
#: What stands before a sentence: the field that it is about, the name of an exception, the line of a file.
_BEFORE = re.compile(r"([\w.-]+|line \d+): (.+)", re.DOTALL)
#: Sentences in a row, and how they are told in a row.
_ROWS = ((", or ", "，或"), ("; ", "；"))
#: Values that are words of ours.
_WORDS = ("noun", "state")
#: What is longer is no sentence of ours, and would take long to compare.
_LONGEST = 2_000


@dataclass(frozen=True)
class Frame:
    """A part of a traceback: of a library, of our own code, or the error itself."""

    kind: Literal["library", "own", "error"]
    text: str


def said(text: object) -> str:
    """The sentence in the reader's language, or as much of one as it is."""
    reader = words.reading()
    return _spelled(str(text), reader) if reader.language == "en" else _translated(str(text), reader)


def told(text: str | None) -> str:
    """The sentence in the reader's language, with a capital and a full stop."""
    if not text:
        return ""
    sentence = said(text)
    stop = words.reading().said(".")
    return sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith((".", "。", "!", "?", "…")) else stop)


def frames(traceback: str) -> list[Frame]:
    """The parts of a traceback, in their order; what follows on the same kind is one part."""
    found: list[Frame] = []
    for kind, line in _lines(traceback):
        if found and found[-1].kind == kind:
            found[-1] = Frame(kind, f"{found[-1].text}\n{line}")
        else:
            found.append(Frame(kind, line))
    return found


def written(value: Any) -> str:
    """What a task was given or gave back: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _spelled(text: str, reader: Reader) -> str:
    """As it was written, but for how long something takes: in the units of the console."""
    for known, pattern in _patterns() if len(text) <= _LONGEST else ():
        if _SECONDS.search(known) and (match := pattern.fullmatch(text)):
            return _SECONDS.sub(lambda found: reader.span(float(match[found[1]])), known) % match.groupdict()
    return text


def _translated(text: str, reader: Reader) -> str:
    if len(text) > _LONGEST:
        return text
    for known, pattern in _patterns():
        if match := pattern.fullmatch(text):
            return reader.say(known, **{name: _value(name, value, reader) for name, value in match.groupdict().items()})
    for between, said_between in _ROWS:
        parts = text.split(between)
        told_parts = [_translated(part, reader) for part in parts] if len(parts) > 1 else parts
        if told_parts != parts:
            return said_between.join(told_parts)
    if match := _BEFORE.fullmatch(text):
        before, after = match.groups()
        told_after = _translated(after, reader)
        return text if told_after == after else f"{before}：{told_after}"
    return text


def _value(name: str, value: str, reader: Reader) -> str:
    if name.endswith("seconds") and value.replace(".", "", 1).isdecimal():
        return reader.span(float(value))
    if name.partition("_")[0] in _WORDS:
        return reader.said(value.lower().replace("_", " "))
    return _translated(value, reader)


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """The closest first: those with the most text of their own."""
    ids = sorted(words.messages("sentences"), key=lambda known: len(_PLACE.sub("", known)), reverse=True)
    return [(known, _pattern(known)) for known in ids]


def _pattern(known: str) -> re.Pattern[str]:
    """Text and names in turn."""
    parts = _PLACE.split(known)
    texts = [_part(part) if place % 2 == 0 else f"(?P<{part}>{_kind(part)}+?)" for place, part in enumerate(parts)]
    return re.compile("".join(texts), re.DOTALL)


def _part(text: str) -> str:
    return re.escape(text.replace("%%", "%"))


def _kind(name: str) -> str:
    """Ids have no space in them; what they are of may."""
    return r"\S" if name.endswith("_id") else "."


def _lines(traceback: str) -> Iterator[tuple[Literal["library", "own", "error"], str]]:
    kind: Literal["library", "own", "error"] = "library"
    for line in traceback.rstrip().splitlines():
        if line.startswith("  File "):
            kind = "library" if _LIBRARY.search(line) else "own"
        elif line and not line.startswith(" "):
            kind = "library" if line.startswith(("Traceback ", "During ", "The above ")) else "error"
        yield kind, line
