"""A callable of somebody's own, installed as an entry point."""

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from scheduler_service.errors import Cancelled, PythonSourceFailed, TooManyRows
from tests.workloads import own_sources
from tests.workloads.collects import Place

NAMES = ["rows", "batches", "since", "failing", "endless", "nonsense", "resource"]


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the sources, as pip would."""
    info = tmp_path / "installed" / "own_sources-1.dist-info"
    info.mkdir(parents=True)
    lines = [f"{name} = {own_sources.__name__}:{name}" for name in NAMES]
    (info / "entry_points.txt").write_text("\n".join(["[scheduler_service.sources]", *lines, "gone = nowhere:at_all"]))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-sources\nVersion: 1\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(info.parent)])


def own(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "python", "name": name, **more}


def test_rows_land_with_types(place: Place) -> None:
    outcome = place.collect(own("rows", arguments={"count": 3}))

    assert outcome.rows_read == 3
    assert place.types() == {
        "id": "BIGINT",
        "price": "DECIMAL(18,2)",
        "at": "TIMESTAMP WITH TIME ZONE",
        "deep": "JSON",
        "late": "VARCHAR",
    }
    assert place.rows()[1] == {"id": 1, "price": "1.50", "at": "2026-03-01T10:00:00Z", "deep": {"a": [1]}, "late": "x"}


def test_batches_and_arrow_tables_and_things_to_go_through_are_taken(place: Place) -> None:
    place.collect(own("batches"))
    place.collect(own("resource"), dataset="gone_through")

    assert place.column("id") == [1, 2, 3, 4, 5]
    assert place.rows("gone_through") == [{"id": 1}]


def test_the_last_value_is_handed_on(place: Place) -> None:
    source = own("since", incremental={"cursor_field": "id"})

    place.collect(source)
    place.collect(source)

    assert place.column("id") == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("failing", {}, "KeyError: 'no such customer'"),
        ("nonsense", {}, "neither row nor batch"),
        ("rows", {"colour": "red"}, "unexpected keyword argument 'colour'"),
        ("gone", {}, "No module named 'nowhere'"),
        ("absent", {}, "no entry point of the group scheduler_service.sources"),
    ],
)
def test_what_fails_loads_nothing_and_says_why(place: Place, name: str, arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(PythonSourceFailed, match=reason):
        place.collect(own(name, arguments=arguments))

    assert place.names() == []


def test_one_without_end_is_ended(place: Place) -> None:
    asked = threading.Event()
    threading.Timer(0.2, asked.set).start()

    with pytest.raises(TooManyRows):
        place.collect(own("endless"), max_rows=20_000)
    with pytest.raises(Cancelled):
        place.collect(own("endless"), cancelled=asked.is_set)
