"""A report by e-mail: its HTML as the body, its pictures inside, its files attached. TLS is verified, or not sent.

The message is the same at every try, down to its Message-ID; each recipient is a delivery of their own, and sees all
the others in `To`.
"""

import base64
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from scheduler_service.errors import DeliveryFailed
from scheduler_service.workloads.connections import SmtpConnection
from scheduler_service.workloads.delivery.dispatches import Parcel, Sending
from scheduler_service.workloads.delivery.targets import EmailTarget
from scheduler_service.workloads.report.words import WORDS

SECONDS = 30.0
ENCODED = 4 / 3 * 78 / 76  # base64, in lines
PICTURE = re.compile(r'src="data:image/png;base64,([^"]*)"')


def send(connection: SmtpConnection, sending: Sending) -> None:
    """Hand the message over for this delivery's recipient. Raises: DeliveryFailed."""
    name = sending.dispatch.target.connection
    try:
        with session(connection, name) as smtp:
            limit = _limit(connection, smtp)
            message = compose(connection, sending, largest_bytes=limit)
            smtp.send_message(message, connection.sender, [sending.dispatch.recipient])
    except smtplib.SMTPRecipientsRefused as why:
        ((code, said),) = why.recipients.values()
        raise DeliveryFailed(name, f"refused {sending.dispatch.recipient}: {_said(code, said)}",
                             transient=code < 500) from None  # fmt: skip
    except smtplib.SMTPResponseException as why:
        raise DeliveryFailed(name, _said(why.smtp_code, why.smtp_error), transient=why.smtp_code < 500) from None
    except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as why:
        raise DeliveryFailed(name, f"{why}", transient=False) from None
    except (smtplib.SMTPException, OSError) as why:
        raise DeliveryFailed(name, f"no connection ({why or type(why).__name__})", transient=True) from None


def compose(connection: SmtpConnection, sending: Sending, *, largest_bytes: int) -> EmailMessage:
    """The whole message, with those attachments for which there is room."""
    dispatch, target = sending.dispatch, sending.dispatch.target
    assert isinstance(target, EmailTarget)
    attached, left_out = _fitting(dispatch.parcels, largest_bytes)
    message = EmailMessage(policy=SMTP)
    message["Subject"], message["From"], message["To"] = (
        dispatch.letter.subject,
        connection.sender,
        ", ".join(target.to),
    )
    message["Date"] = format_datetime(sending.at)
    message["Message-ID"] = f"<{dispatch.message_id}@{connection.sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_plain(sending, attached, left_out))
    if dispatch.body is not None:
        _add_body(message, dispatch.body.read_text())
    for parcel in attached:
        main, _, sub = parcel.content_type.partition(";")[0].partition("/")
        message.add_attachment(parcel.path.read_bytes(), maintype=main, subtype=sub, filename=parcel.name)
    return message


def _add_body(message: EmailMessage, html: str) -> None:
    """The HTML, its pictures as parts that it refers to: mail programs show no `data:`."""
    pictures: list[bytes] = []

    def part(found: re.Match[str]) -> str:
        pictures.append(base64.b64decode(found[1]))
        return f'src="cid:picture-{len(pictures)}"'

    message.add_alternative(PICTURE.sub(part, html), subtype="html")
    body = message.get_payload(1)
    assert isinstance(body, EmailMessage)
    for number, picture in enumerate(pictures, 1):
        body.add_related(picture, "image", "png", cid=f"<picture-{number}>", filename=f"picture-{number}.png")


def _plain(sending: Sending, attached: list[Parcel], left_out: list[Parcel]) -> str:
    """For those who read no HTML."""
    letter = sending.dispatch.letter
    words = WORDS[letter.language]
    lines = [letter.title, letter.period, ""]
    for phrase, parcels in (("attached", attached), ("too_large", left_out)):
        if parcels:
            lines.append(words[phrase].format(names=", ".join(parcel.name for parcel in parcels)))
    lines += [link for parcel in left_out if (link := sending.site.link(parcel))]
    return "\n".join([*lines, words["made"], ""])


def _fitting(parcels: tuple[Parcel, ...], largest_bytes: int) -> tuple[list[Parcel], list[Parcel]]:
    """Those for which there is room, one after the other, and the others."""
    attached: list[Parcel] = []
    left_out: list[Parcel] = []
    for parcel in parcels:
        if (size := round(parcel.size * ENCODED)) <= largest_bytes:
            attached.append(parcel)
            largest_bytes -= size
        else:
            left_out.append(parcel)
    return attached, left_out


def _limit(connection: SmtpConnection, smtp: smtplib.SMTP) -> int:
    """What attachments may come to: our limit, and the server's, less something for the body."""
    told = smtp.esmtp_features.get("size", "")
    return (
        min(connection.largest_bytes, int(told) * 3 // 4) if told.isdigit() and int(told) else connection.largest_bytes
    )


@contextmanager
def session(connection: SmtpConnection, name: str) -> Iterator[smtplib.SMTP]:
    """Connected, under TLS, signed in. Without a context Python would verify nothing."""
    context = ssl.create_default_context(cafile=str(connection.ca_file) if connection.ca_file else None)
    if connection.security == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(connection.host, connection.port, timeout=SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(connection.host, connection.port, timeout=SECONDS)
    with smtp:
        smtp.ehlo()
        if connection.security == "starttls":
            if not smtp.has_extn("starttls"):
                raise DeliveryFailed(name, "the server offers no STARTTLS; nothing was sent", transient=False)
            smtp.starttls(context=context)
            smtp.ehlo()
        if connection.user is not None and connection.password is not None:
            smtp.login(connection.user, connection.password.get_secret_value())
        yield smtp


def _said(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(said.split())[:200]}"
