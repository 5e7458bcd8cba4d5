"""Files put into a folder."""

from pathlib import Path
from typing import Any

import pytest

from scheduler_service.errors import DeliveryFailed
from scheduler_service.workloads.connections import FolderConnection
from scheduler_service.workloads.delivery.dispatches import DeliverySite
from scheduler_service.workloads.delivery.sending import send
from scheduler_service.workloads.delivery.targets import FolderTarget
from tests.workloads.delivery.post import AT, dispatch, parcel


@pytest.fixture
def share(tmp_path: Path) -> Path:
    (folder := tmp_path / "share").mkdir()
    return folder


def put(share: Path, *parcels: Any, path: str = "") -> None:
    site = DeliverySite({"share": FolderConnection(type="folder", path=share)})
    send(dispatch(FolderTarget(type="folder", connection="share", path=path), *parcels), site, at=AT)


def test_files_are_copied_and_a_repeat_writes_them_again(tmp_path: Path, share: Path) -> None:
    things = [parcel(tmp_path, "日报.pdf", b"one"), parcel(tmp_path, "b.csv", b"two")]

    put(share, *things, path="daily/orders")
    put(share, *things, path="daily/orders")

    found = {path.name: path.read_bytes() for path in (share / "daily" / "orders").iterdir()}
    assert found == {"日报.pdf": b"one", "b.csv": b"two"}


def test_a_link_does_not_lead_out(tmp_path: Path, share: Path) -> None:
    (outside := tmp_path / "outside").mkdir()
    (share / "link").symlink_to(outside)

    with pytest.raises(DeliveryFailed, match="leads out of") as failed:
        put(share, parcel(tmp_path), path="link")

    assert failed.value.transient is False
    assert list(outside.iterdir()) == []


def test_a_folder_that_is_not_mounted_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(DeliveryFailed, match="is no folder") as failed:
        put(tmp_path / "nowhere", parcel(tmp_path))

    assert failed.value.transient is True


def test_a_copy_that_fails_leaves_no_half(tmp_path: Path, share: Path) -> None:
    thing = parcel(tmp_path, "a.csv", b"x")
    (share / "a.csv").mkdir()  # nothing can have this name now

    with pytest.raises(DeliveryFailed):
        put(share, thing)

    assert [path.name for path in share.iterdir()] == ["a.csv"]
