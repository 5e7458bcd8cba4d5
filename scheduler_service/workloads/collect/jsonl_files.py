"""JSON lines: a record a line, staged like the records of an API."""

import json
from pathlib import Path

from scheduler_service.errors import FileMalformed
from scheduler_service.workloads.collect.definitions import FileFormat
from scheduler_service.workloads.collect.shapes import RecordWriter
from scheduler_service.workloads.collect.staging import Part, Work
from scheduler_service.workloads.collect.unpacking import complaints, text_of

BATCH = 1000
LONGEST_LINE = 64 * 2**20


def stage(descriptor: int, name: str, target: Path, source: FileFormat, most_rows: int, work: Work) -> Part:
    """Copy the open file's records. Raises: FileMalformed with the line, TooManyRows."""
    number = 0
    with (
        RecordWriter(target, max_rows=most_rows) as writer,
        complaints(name, source.encoding, lambda: number + 1),
        text_of(descriptor, name, source.encoding) as text,
    ):
        records = []
        while line := text.readline(LONGEST_LINE):
            number += 1
            if line.strip("\ufeff \t\r\n"):
                records.append(_record(line, name, number))
            if len(records) >= BATCH:
                writer.write(records)
                records.clear()
                work.stop.check()
        writer.write(records)
        return writer.part()


def _record(line: str, name: str, number: int) -> object:
    if len(line) >= LONGEST_LINE:
        raise FileMalformed(name, [(number, f"it is longer than {LONGEST_LINE} characters")])
    try:
        return json.loads(line.lstrip("\ufeff"), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise FileMalformed(name, [(number, "it is no JSON")]) from None
