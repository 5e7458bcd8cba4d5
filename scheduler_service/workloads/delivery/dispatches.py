"""One thing to bring to one recipient: what is in it, and what it needs to get there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from scheduler_service.workloads.connections import Connections
from scheduler_service.workloads.delivery.targets import Target


@dataclass(frozen=True)
class Parcel:
    """An artifact, as it is sent."""

    id: str
    output: str
    name: str
    content_type: str
    size: int
    sha256: str
    path: Path


@dataclass(frozen=True)
class Letter:
    """What is said about the parcels."""

    title: str
    subject: str
    period: str
    language: str
    report_id: int
    report_name: str
    run_id: str
    occurrence_at: str

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Letter":
        return cls(**kept)


@dataclass(frozen=True)
class Dispatch:
    """A delivery. `message_id` is the same at every try, so that a receiver knows a repeat."""

    target: Target
    recipient: str
    letter: Letter
    message_id: str
    parcels: tuple[Parcel, ...]
    body: Path | None = None  # of an e-mail: HTML whose pictures are in it


@dataclass(frozen=True)
class DeliverySite:
    """What deliveries use: the operator's connections, and where people reach the API."""

    connections: Connections
    outbound_allow: Sequence[str] = ()
    public_url: str | None = None

    def link(self, parcel: Parcel) -> str | None:
        """Where a person may fetch it, if that is known."""
        return f"{self.public_url.rstrip('/')}/api/v1/artifacts/{parcel.id}/content" if self.public_url else None


@dataclass(frozen=True)
class Sending:
    """A try: what, by what, and when."""

    dispatch: Dispatch
    site: DeliverySite
    at: datetime
