"""E-mail, against a real server with TLS and a password."""

from pathlib import Path
from typing import Any

import pytest

from scheduler_service.errors import DeliveryFailed
from scheduler_service.workloads.connections import SmtpConnection
from scheduler_service.workloads.delivery.dispatches import DeliverySite
from scheduler_service.workloads.delivery.sending import send
from scheduler_service.workloads.delivery.targets import EmailTarget
from tests.support.ports import free_port
from tests.workloads.delivery.post import AT, dispatch, mail_server, parcel

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TO = ("a@example.com", "b@example.com")


def target(**fields: Any) -> EmailTarget:
    return EmailTarget.model_validate({"type": "email", "connection": "mail", "to": TO} | fields)


def site(connection: SmtpConnection) -> DeliverySite:
    return DeliverySite({"mail": connection}, public_url="https://reports.example/")


def test_it_arrives_whole_under_tls_and_signed_in(tmp_path: Path) -> None:
    (page := tmp_path / "page").write_text(
        f'<p>日报</p><img src="data:image/png;base64,{PNG}" alt="c">' + "<p>x</p>" * 999
    )
    attached = parcel(tmp_path)

    with mail_server(tmp_path) as inbox:
        send(dispatch(target(), attached, recipient=TO[1], body=page), site(inbox.connection()), at=AT)

    ((recipients, message),) = inbox.taken
    assert recipients == [TO[1]]
    assert (message["To"], message["From"]) == ("a@example.com, b@example.com", "reports@example.com")
    assert message["Subject"] == "日报 Orders – 2026-03-02"
    assert message["Message-ID"] == "<0123456789abcdef@example.com>"
    (html,) = (part for part in message.walk() if part.get_content_type() == "text/html")
    (picture,) = (part for part in message.walk() if part.get_content_type() == "image/png")
    assert html.get_content().startswith('<p>日报</p><img src="cid:picture-1" alt="c">')
    assert picture["Content-ID"] == "<picture-1>"
    assert [(part.get_filename(), part.get_content()) for part in message.iter_attachments()] == [
        ("日报 2026-03-02.pdf", b"%PDF-1.7 of sorts")
    ]
    plain = message.get_body(("plain",))
    assert plain is not None
    assert "Attached: 日报 2026-03-02.pdf." in plain.get_content()


def test_over_implicit_tls_too(tmp_path: Path) -> None:
    with mail_server(tmp_path, implicit_tls=True) as inbox:
        send(
            dispatch(target(), recipient=TO[0]), site(inbox.connection(security="tls", user=None, password=None)), at=AT
        )

    assert len(inbox.taken) == 1


def test_what_is_too_large_is_named_and_not_attached(tmp_path: Path) -> None:
    small, large = parcel(tmp_path, "a.csv", b"x"), parcel(tmp_path, "b.pdf", b"x" * 10_000)

    with mail_server(tmp_path) as inbox:
        connection = inbox.connection(largest_bytes=5000)
        send(dispatch(target(), large, small, recipient=TO[0]), site(connection), at=AT)

    ((_, message),) = inbox.taken
    assert [part.get_filename() for part in message.iter_attachments()] == ["a.csv"]
    plain = message.get_body(("plain",))
    assert plain is not None
    assert "Too large to attach: b.pdf." in plain.get_content()
    assert f"https://reports.example/api/v1/artifacts/{large.id}/content" in plain.get_content()


def test_each_try_is_the_same_message(tmp_path: Path) -> None:
    with mail_server(tmp_path) as inbox:
        for _ in range(2):
            send(dispatch(target(), recipient=TO[0]), site(inbox.connection()), at=AT)

    first, second = (message for _, message in inbox.taken)
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize(
    ("answer", "transient"), [("550 no such user", False), ("450 try later", True)], ids=["unknown", "greylisted"]
)
def test_a_refused_recipient_is_told(tmp_path: Path, answer: str, transient: bool) -> None:
    with mail_server(tmp_path) as inbox:
        inbox.refusals[TO[0]] = answer
        with pytest.raises(DeliveryFailed, match=f"refused a@example.com: {answer}") as failed:
            send(dispatch(target(), recipient=TO[0]), site(inbox.connection()), at=AT)

    assert failed.value.transient is transient


@pytest.mark.parametrize(("answer", "transient"), [("554 spam", False), ("451 busy", True)])
def test_a_refused_message_is_told(tmp_path: Path, answer: str, transient: bool) -> None:
    with mail_server(tmp_path) as inbox:
        inbox.data_answer = answer
        with pytest.raises(DeliveryFailed, match=answer) as failed:
            send(dispatch(target(), recipient=TO[0]), site(inbox.connection()), at=AT)

    assert failed.value.transient is transient


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    with mail_server(tmp_path) as inbox, pytest.raises(DeliveryFailed, match="certificate verify failed") as failed:
        send(dispatch(target(), recipient=TO[0]), site(inbox.connection(ca_file=None)), at=AT)

    assert (inbox.taken, failed.value.transient) == ([], False)


def test_without_starttls_nothing_is_sent(tmp_path: Path) -> None:
    with mail_server(tmp_path, starttls=False) as inbox, pytest.raises(DeliveryFailed, match="no STARTTLS") as failed:
        send(dispatch(target(), recipient=TO[0]), site(inbox.connection()), at=AT)

    assert (inbox.taken, failed.value.transient) == ([], False)


def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    with mail_server(tmp_path) as inbox, pytest.raises(DeliveryFailed, match="535") as failed:
        send(dispatch(target(), recipient=TO[0]), site(inbox.connection(password="not the password")), at=AT)

    assert "not the password" not in str(failed.value)
    assert failed.value.transient is False


def test_a_server_that_is_away_may_come_back(tmp_path: Path) -> None:
    connection = SmtpConnection(
        type="smtp", host="127.0.0.1", port=free_port(), sender="a@example.com", security="none"
    )

    with pytest.raises(DeliveryFailed, match="no connection") as failed:
        send(dispatch(target(), recipient=TO[0]), site(connection), at=AT)

    assert failed.value.transient is True


def test_a_connection_that_is_unknown_is_told() -> None:
    with pytest.raises(DeliveryFailed, match="No connection is named 'mail'") as failed:
        send(dispatch(target(), recipient=TO[0]), DeliverySite({}), at=AT)

    assert failed.value.transient is False


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    gone = parcel(tmp_path)
    gone.path.unlink()

    with pytest.raises(DeliveryFailed, match=r"the file of 日报 2026-03-02\.pdf is gone"):
        send(dispatch(target(), gone, recipient=TO[0]), DeliverySite({}), at=AT)
