"""Sending a delivery the way its target says. Raises DeliveryFailed, which says whether it may go right later."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from scheduler_service.errors import ConnectionUnfit, ConnectionUnknown, DeliveryFailed
from scheduler_service.workloads.connections import (
    FolderConnection,
    SmtpConnection,
    WebhookConnection,
    connection_named,
)
from scheduler_service.workloads.delivery import folder, mail, webhook
from scheduler_service.workloads.delivery.dispatches import DeliverySite, Dispatch, Sending

_WAYS: dict[str, tuple[Any, Callable[[Any, Sending], None]]] = {
    "email": (SmtpConnection, mail.send),
    "webhook": (WebhookConnection, webhook.send),
    "folder": (FolderConnection, folder.send),
}


def send(dispatch: Dispatch, site: DeliverySite, *, at: datetime) -> None:
    """Bring it there, whole. Raises: DeliveryFailed."""
    kind, way = _WAYS[dispatch.target.type]
    name = dispatch.target.connection
    if missing := [parcel.name for parcel in dispatch.parcels if not parcel.path.exists()]:
        raise DeliveryFailed(name, f"the file of {', '.join(missing)} is gone", transient=False)
    try:
        connection = connection_named(name, kind, site.connections)
    except (ConnectionUnknown, ConnectionUnfit) as why:
        raise DeliveryFailed(name, str(why), transient=False) from None
    way(connection, Sending(dispatch, site, at))
