"""A signed POST in the form of standard-webhooks, through the outbound guard. Redirects are not followed.

The receiver verifies `webhook-signature` over `id.timestamp.body` and drops an id it has seen.
"""

import base64
import binascii
import hmac
import json
from datetime import UTC
from typing import Any

import httpx

from scheduler_service.errors import AddressRefused, DeliveryFailed, ResponseTooLarge
from scheduler_service.workloads.collect.guard import Budget, GuardedTransport
from scheduler_service.workloads.collect.http_places import allowed_address
from scheduler_service.workloads.connections import WebhookConnection
from scheduler_service.workloads.delivery.dispatches import Sending

SECONDS = 20.0
LARGEST_ANSWER = 64 * 1024
EVENT = "report.made"
LATER = (408, 425, 429)


def send(connection: WebhookConnection, sending: Sending) -> None:
    """POST what was made. Raises: DeliveryFailed."""
    name = sending.dispatch.target.connection
    url = httpx.URL(connection.url.get_secret_value())
    body = json.dumps(_event(sending), ensure_ascii=False).encode()
    headers = signed(connection.secret.get_secret_value(), sending.dispatch.message_id, _timestamp(sending), body)
    try:
        status = _post(url, body, headers, sending)
    except (AddressRefused, ResponseTooLarge) as why:
        raise DeliveryFailed(name, str(why), transient=False) from None
    except httpx.RequestError as why:
        raise DeliveryFailed(name, f"no answer ({type(why).__name__})", transient=True) from None
    if not 200 <= status < 300:
        raise DeliveryFailed(name, f"answered {status}", transient=status in LATER or status >= 500)


def signed(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that vouch for the body."""
    to_sign = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(_key(secret), to_sign, "sha256")).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{signature}"}


def _key(secret: str) -> bytes:
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:  # then it is a secret that happens to begin like that
            pass
    return secret.encode()


def _timestamp(sending: Sending) -> int:
    return int(sending.at.timestamp())


def _event(sending: Sending) -> dict[str, Any]:
    dispatch = sending.dispatch
    letter = dispatch.letter
    told = {name: getattr(letter, name) for name in ("report_id", "report_name", "run_id", "occurrence_at", "title")}
    artifacts = [
        {name: getattr(parcel, name) for name in ("id", "output", "name", "content_type", "size", "sha256")}
        | {"path": f"/api/v1/artifacts/{parcel.id}/content", "url": sending.site.link(parcel)}
        for parcel in dispatch.parcels
    ]
    at = sending.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"type": EVENT, "timestamp": at, "data": told | {"artifacts": artifacts}}


def _post(url: httpx.URL, body: bytes, headers: dict[str, str], sending: Sending) -> int:
    """Its status. What the operator named may be private."""
    transport = GuardedTransport([*sending.site.outbound_allow, allowed_address(url)])
    budget = Budget(url.host, seconds=SECONDS, size=LARGEST_ANSWER)
    timeouts = {"connect": 10.0, "read": SECONDS, "write": SECONDS, "pool": 1.0}
    all_headers = {"content-type": "application/json", "user-agent": "scheduler-service", **headers}
    request = httpx.Request(
        "POST", url, content=body, headers=all_headers, extensions={"timeout": timeouts, "budget": budget}
    )
    try:
        response = transport.handle_request(request)
        response.close()
        return response.status_code
    finally:
        transport.close()
