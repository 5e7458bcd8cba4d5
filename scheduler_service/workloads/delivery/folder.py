"""Files put into a folder: each is whole before it has its name, so that whoever watches the folder sees no half."""

import os
import shutil
from pathlib import Path

from scheduler_service.errors import DeliveryFailed
from scheduler_service.workloads.connections import FolderConnection
from scheduler_service.workloads.delivery.dispatches import Parcel, Sending
from scheduler_service.workloads.delivery.targets import FolderTarget


def send(connection: FolderConnection, sending: Sending) -> None:
    """Copy the parcels. A repeat writes the same files again. Raises: DeliveryFailed."""
    target = sending.dispatch.target
    assert isinstance(target, FolderTarget)
    try:
        folder = _folder(connection, target)
        for parcel in sending.dispatch.parcels:
            _put(parcel, folder)
    except OSError as why:
        reason = f"{why.strerror or type(why).__name__}: {why.filename or target.path}"
        raise DeliveryFailed(target.connection, reason, transient=True) from None


def _folder(connection: FolderConnection, target: FolderTarget) -> Path:
    """The target's folder, made if need be, which no link may lead out of the connection's."""
    root = connection.path.resolve()
    if not root.is_dir():
        raise DeliveryFailed(target.connection, f"{root} is no folder", transient=True)
    folder = (root / target.path).resolve()
    if not folder.is_relative_to(root):
        raise DeliveryFailed(target.connection, f"{target.path} leads out of {root}", transient=False)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _put(parcel: Parcel, folder: Path) -> None:
    part = folder / f".{parcel.id}.part"
    try:
        with parcel.path.open("rb") as source, part.open("wb") as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
        part.replace(folder / parcel.name)
    finally:
        part.unlink(missing_ok=True)
