"""What many processes look like on one screen."""

import io
import os

from scheduler_service.cli.output import Output
from tests.support.waiting import eventually


def shown(*, colour: bool, written: bytes) -> str:
    stream = io.StringIO()
    output = Output(stream, ["api", "worker-heavy"], colour=colour)
    reader, writer = os.pipe()
    output.follow("api", os.fdopen(reader, "rb"))
    os.write(writer, written)
    os.close(writer)
    eventually(lambda: stream.getvalue().endswith("last\n"), within=10)
    output.close()
    return stream.getvalue()


def test_lines_are_aligned_and_empty_ones_left_out() -> None:
    assert shown(colour=False, written=b"one\n\ntwo\nlast\n") == (
        "api          | one\napi          | two\napi          | last\n"
    )


def test_the_name_is_coloured_on_a_terminal() -> None:
    assert shown(colour=True, written=b"last\n") == "\x1b[36mapi          | \x1b[0mlast\n"


def test_what_is_not_text_is_shown_all_the_same() -> None:
    assert shown(colour=False, written=b"\xff\nlast") == "api          | \ufffd\napi          | last\n"


def test_a_reader_that_went_away_does_not_stop_it() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    output = Output(Gone(), ["api"], colour=False)
    output.say("one")
    output.say("two")
    output.close()
