"""What a pickle may not do here: everything but be data."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from scheduler_service.moving.sources import trusting
from scheduler_service.moving.sources.trusting import Foreign, Refusal

ALLOWED = "tests.moving.sources.allowed"


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> Any:
        return self._call


def opened(data: bytes, **options: Any) -> Any:
    return trusting.opened({"it": data}, **options)["it"]


def laughs() -> Any:
    """Small to write, and 2^60 items to spell out."""
    held: Any = ["ha"]
    for _ in range(60):
        held = [held, held]
    return held


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        pytest.param(os.system, ("touch {}",), "posix.system", id="os.system"),
        pytest.param(eval, ("open('{}', 'w')",), "builtins.eval", id="eval"),
        pytest.param(exec, ("open('{}', 'w')",), "builtins.exec", id="exec"),
        pytest.param(open, ("{}", "w"), "io.open", id="open"),
        pytest.param(__import__, ("antigravity",), "builtins.__import__", id="import"),
        pytest.param(getattr, ("a", "__class__"), "attribute __class__", id="getattr"),
        pytest.param(bytearray, (10**9,), "builtins.bytearray", id="much memory"),
    ],
)
def test_a_call_is_refused_by_name_and_not_made(
    tmp_path: Path, function: Any, arguments: tuple[Any, ...], named: str
) -> None:
    touched = tmp_path / "touched"
    given = [part.format(touched) if isinstance(part, str) else part for part in arguments]

    found = opened(pickle.dumps({"version": 1, "trigger": Calls(function, *given)}))

    assert isinstance(found, Refusal)
    assert named in found.why
    assert not touched.exists()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pickle.dumps(laughs()), id="shared parts"),
        pytest.param(b"\x80\x02r\xff\xff\xff\x7f.", id="a memo of gigabytes"),
        pytest.param(b"\x80\x04" + b"(" * 1000, id="cut short"),
        pytest.param(b"not a pickle", id="none"),
        pytest.param(b"\x80\x04" + b"]" * 50_000 + b"a" * 49_999 + b".", id="too deep"),
        pytest.param(b"x" * (trusting.LARGEST_BYTES + 1), id="too large"),
        pytest.param(b"\x80\x04\x8c\x01aQ.", id="persistent id"),
    ],
)
def test_a_bomb_is_refused(data: bytes) -> None:
    assert isinstance(opened(data), Refusal)


@pytest.mark.takes(6)
def test_one_that_takes_for_ever_is_refused_and_the_rest_is_read() -> None:
    alike = (number * (2**61 - 1) for number in range(1, 75_000))  # keys with one hash: each is compared with all
    keys = b"".join(pickle.dumps(key, 2)[2:-1] + b"N" for key in alike)
    slow = b"\x80\x02}(" + keys + b"u."
    assert len(slow) < trusting.LARGEST_BYTES

    found = trusting.opened({"before": pickle.dumps(1), "slow": slow, "after": pickle.dumps(2)})

    assert (found["before"], found["after"]) == (1, 2)
    assert "longer than" in found["slow"].why


def test_an_object_of_an_unknown_class_is_kept_unmade() -> None:
    found = opened(pickle.dumps({"of": Path("x"), "it": ALLOWED}))

    assert found["of"] == Foreign("pathlib.PosixPath", ("x",), None)


def test_only_an_allowed_module_is_imported() -> None:
    from tests.moving.sources.allowed import Colour

    data = pickle.dumps([Colour.RED])

    assert isinstance(opened(data), Refusal)
    assert opened(data, allow=["tests.moving.sources.allowed"]) == [Foreign(f"{ALLOWED}.Colour", (), None)]
