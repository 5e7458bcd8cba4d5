"""Everything that pages say is said in Chinese as well: nothing is missing, left over, or doubtful."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from scheduler_service.console.words import TRANSLATIONS

ROOM = TRANSLATIONS.parent
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext.babel_extract")]
KEYWORDS = {"_": None, "ngettext": (1, 2), "say": None, "say_many": (1, 2), "said": None, "said_many": (1, 2)}
SENTENCES = "sentences.po"
PLACE = re.compile(r"%\((\w+)\)s|%%|%")
OPTIONS = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}}


def said() -> Iterator[tuple[str, str, object]]:
    """Each message: its file, its place, its id."""
    for name, line, message, _, _ in extract_from_dir(ROOM, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS):
        yield name, f"{name}:{line}", message


def translated() -> dict[str, list[tuple[str, Message]]]:
    """Each message by its id, or its singular, and where it stands."""
    found: dict[str, list[tuple[str, Message]]] = {}
    for path in sorted(TRANSLATIONS.glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="zh_Hans", abort_invalid=True):
                if message.id:
                    found.setdefault(first(message.id), []).append((path.name, message))
    return found


def first(text: object) -> str:
    return text if isinstance(text, str) else str(text[0])  # type: ignore[index]


def places(text: str) -> set[str]:
    return {match[1] for match in PLACE.finditer(text) if match[1]}


def test_every_message_has_its_chinese() -> None:
    known = translated()

    missing = {first(message): place for _, place, message in said() if first(message) not in known}

    assert missing == {}


def test_no_translation_is_left_over() -> None:
    """Those of what services say are looked for in `test_sentences`."""
    used = {first(message) for _, _, message in said()}

    left = {
        text: entries[0][0] for text, entries in translated().items() if text not in used and entries[0][0] != SENTENCES
    }

    assert left == {}


def test_each_message_is_translated_once_and_keeps_its_values() -> None:
    wrong = []
    for text, entries in translated().items():
        for file, message in entries:
            string = first(message.string)
            ids = (message.id,) if isinstance(message.id, str) else message.id
            if not string or message.fuzzy or places(string) - {"num", "count"} != places(ids[-1]) - {"num", "count"}:
                wrong.append((file, text, string))
            if any(match[0] == "%" for match in PLACE.finditer(string)):
                wrong.append((file, text, "a lone per cent sign"))
    twice = {text: [file for file, _ in entries] for text, entries in translated().items() if len(entries) > 1}

    assert wrong == []
    assert twice == {}


@pytest.mark.parametrize("path", sorted(TRANSLATIONS.glob("*.po")), ids=lambda path: path.name)
def test_a_file_can_be_read(path: Path) -> None:
    with path.open("rb") as file:
        assert len(read_po(file, locale="zh_Hans", abort_invalid=True)) > 0
