"""Webhooks, to a real receiver that checks the signature as standard-webhooks says."""

import base64
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from scheduler_service.errors import DeliveryFailed
from scheduler_service.workloads.connections import WebhookConnection
from scheduler_service.workloads.delivery.dispatches import DeliverySite
from scheduler_service.workloads.delivery.sending import send
from scheduler_service.workloads.delivery.targets import WebhookTarget
from scheduler_service.workloads.delivery.webhook import signed
from tests.support.ports import free_port
from tests.workloads.delivery.post import AT, dispatch, parcel, receiver

TARGET = WebhookTarget(type="webhook", connection="hook")
KEY = b"0123456789abcdef0123456789abcdef"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


def site(url: str, secret: str = SECRET) -> DeliverySite:
    connection = WebhookConnection(type="webhook", url=SecretStr(url), secret=SecretStr(secret))
    return DeliverySite({"hook": connection}, public_url="https://reports.example")


def test_what_was_made_is_told_and_signed(tmp_path: Path) -> None:
    told = parcel(tmp_path)

    with receiver() as got:
        send(dispatch(TARGET, told), site(got.url), at=AT)

    ((headers, body),) = got.got
    to_sign = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(KEY, to_sign, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("0123456789abcdef", str(int(AT.timestamp())))
    event = json.loads(body)
    assert (event["type"], event["timestamp"], event["data"]["report_name"]) == (
        "report.made",
        "2026-03-02T12:00:00Z",
        "orders",
    )
    (artifact,) = event["data"]["artifacts"]
    assert (artifact["id"], artifact["name"], artifact["size"]) == (told.id, told.name, told.size)
    assert artifact["url"] == f"https://reports.example/api/v1/artifacts/{told.id}/content"


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    headers = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("status", "transient"), [(400, False), (404, False), (410, False), (302, False), (429, True), (500, True)]
)
def test_anything_but_2xx_is_a_failure(status: int, transient: bool) -> None:
    with receiver() as got, receiver() as elsewhere:
        got.status, got.headers = status, {"Location": elsewhere.url}
        with pytest.raises(DeliveryFailed, match=f"hook: answered {status}") as failed:
            send(dispatch(TARGET), site(got.url), at=AT)

    assert failed.value.transient is transient
    assert elsewhere.got == []  # a redirect is not followed


def test_a_receiver_that_is_away_may_come_back_and_its_path_is_not_told() -> None:
    with pytest.raises(DeliveryFailed) as failed:
        send(dispatch(TARGET), site(f"http://127.0.0.1:{free_port()}/hooks/secret-path"), at=AT)

    assert failed.value.transient is True
    assert "secret-path" not in str(failed.value)


def test_neither_url_nor_secret_is_in_what_is_shown_of_a_connection() -> None:
    connection: Any = site("https://hooks.example/secret-path").connections["hook"]

    assert connection.place == "https://hooks.example"
    assert "secret-path" not in repr(connection)
    assert SECRET not in repr(connection)
