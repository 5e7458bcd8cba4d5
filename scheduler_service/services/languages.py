"""The languages in which timings are put into words, and which of them somebody would rather read."""

import re

from scheduler_service.timing.describe import Language as Language  # exported: it is a word of this room as well

DEFAULT: Language = "en"
#: As HTTP names what was answered: Chinese is written in simplified characters.
TAGS: dict[Language, str] = {"en": "en", "zh": "zh-Hans"}

_RANGE = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*[qQ]\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


def chosen(accepted: str | None) -> Language:
    """The one that an Accept-Language prefers; of equal ones the first named, and English where neither is wanted."""
    wishes: dict[str, float] = {}
    for part in (accepted or "")[:1000].split(","):
        match = _RANGE.fullmatch(part)
        if match:
            language = match[1].lower().partition("-")[0]
            quality = float(match[2]) if match[2] else 1.0
            wishes[language] = max(wishes.get(language, 0.0), quality)
    known = [name for name in wishes if name in TAGS]
    unnamed: list[Language] = [name for name in TAGS if name not in wishes]
    if "*" in wishes and unnamed:
        wishes[unnamed[0]] = wishes["*"]
        known.append(unnamed[0])
    best = max(known, key=wishes.__getitem__, default=DEFAULT)
    return "zh" if best == "zh" and wishes[best] > 0 else "en"
