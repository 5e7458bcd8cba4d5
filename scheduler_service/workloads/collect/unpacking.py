"""Compressed files, unpacked here and not by DuckDB, which reports neither one that is cut off nor a wrong checksum."""

import bz2
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from scheduler_service.errors import FileMalformed

PACKED = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError)


def packing_of(name: str) -> str | None:
    """How a file is compressed, by its ending; None if it is not."""
    return next((packing for ending, packing in PACKED.items() if name.lower().endswith(ending)), None)


@contextmanager
def text_of(descriptor: int, name: str, encoding: str, *, newline: str | None = None) -> Iterator[io.TextIOWrapper]:
    """The open file's text from its beginning, unpacked."""
    packing = packing_of(name)
    with ExitStack() as stack:
        raw: Any = stack.enter_context(os.fdopen(os.dup(descriptor), "rb"))
        raw.seek(0)
        if packing is not None:
            raw = stack.enter_context(_UNPACK[packing](raw))
        yield stack.enter_context(io.TextIOWrapper(raw, encoding=encoding, newline=newline))


@contextmanager
def complaints(name: str, encoding: str, line: Callable[[], int]) -> Iterator[None]:
    """What reading such a text raises, as a FileMalformed with the line that was reached."""
    try:
        yield
    except BROKEN as error:
        packing = packing_of(name)
        raise FileMalformed(name, [(line(), f"its {packing or 'content'} is broken: {error}")]) from error
    except UnicodeError as error:
        raise FileMalformed(name, [(line(), f"from here on it is not {encoding}")]) from error


def _zstd(raw: Any) -> Any:
    import pyarrow as pa

    return io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd"))


_UNPACK: dict[str, Callable[[Any], Any]] = {
    "gzip": lambda raw: gzip.GzipFile(fileobj=raw),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zstd": _zstd,
}
