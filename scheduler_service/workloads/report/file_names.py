"""What a report's files are called, and what they are."""

from datetime import datetime

CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "mail": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
LONGEST = 80
HARMLESS = " -_.,+()"


def file_name(report: str, table: str, at: datetime, output: str, *, taken: set[str]) -> str:
    """A name that every file system takes, that sorts by time, and that is not among the taken ones; it is then."""
    said = f"{_plain(report)} - {_plain(table)}" if table else _plain(report)
    ending = "mail.html" if output == "mail" else output
    stem = f"{said} {at:%Y-%m-%d %H%M}"
    name, number = f"{stem}.{ending}", 1
    while name.lower() in taken:
        number += 1
        name = f"{stem} ({number}).{ending}"
    taken.add(name.lower())
    return name


def _plain(text: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in HARMLESS else " " for letter in text)
    return " ".join(kept.split())[:LONGEST].strip(" .") or "report"
