"""A real mail server with TLS and a password, a receiver of webhooks, and things to send."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from scheduler_service.workloads.connections import SmtpConnection
from scheduler_service.workloads.delivery.dispatches import Dispatch, Letter, Parcel
from scheduler_service.workloads.delivery.targets import Target
from tests.support.ports import free_port
from tests.support.waiting import eventually

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
PASSWORD = "a password"
LETTER = Letter("日报 Orders", "日报 Orders – 2026-03-02", "a day", "en", 1, "orders", "run-1", "2026-03-02T12:00:00Z")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of localhost that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    return certificate_file, key_file


@dataclass
class Inbox:
    """What the server took, and what it says to recipients instead of taking their mail."""

    authority: Path
    port: int = 0
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    data_answer: str = "250 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data_answer.startswith("250"):
            self.raw.append(envelope.content)
            parsed = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            self.taken.append((list(envelope.rcpt_tos), parsed))
        return self.data_answer

    def connection(self, **fields: Any) -> SmtpConnection:
        """How to reach it."""
        said: dict[str, Any] = {
            "type": "smtp", "host": "localhost", "port": self.port, "user": "service", "password": SecretStr(PASSWORD),
            "sender": "reports@example.com", "ca_file": self.authority,
        }  # fmt: skip
        return SmtpConnection.model_validate(said | fields)


@contextmanager
def mail_server(folder: Path, *, starttls: bool = True, implicit_tls: bool = False) -> Iterator[Inbox]:
    """A server on a port of its own. It takes mail only from those who sign in, and only under TLS."""
    certificate_file, key_file = certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_file, key_file)
    inbox = Inbox(certificate_file)

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (b"service", PASSWORD.encode())
        return AuthResult(success=right, handled=False)  # handled=True would answer nothing at all

    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=free_port(),
        ssl_context=context if implicit_tls else None,
        tls_context=context if starttls and not implicit_tls else None,
        require_starttls=starttls and not implicit_tls,
        authenticator=authenticate,
        auth_required=starttls and not implicit_tls,
        ready_timeout=30,
    )
    controller.start()
    inbox.port = controller.port
    yield inbox
    server: Any = controller.server
    eventually(lambda: not server._active_count, within=10)  # a loop that stops earlier leaves sockets open
    controller.stop()


@dataclass
class Receiver:
    """A receiver of POSTs: what it got, and what it answers."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """On a port of its own."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/hooks/secret-path"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def parcel(folder: Path, name: str = "日报 2026-03-02.pdf", content: bytes = b"%PDF-1.7 of sorts") -> Parcel:
    path = folder / f"parcel-{len(list(folder.iterdir()))}"
    path.write_bytes(content)
    kind = {"pdf": "application/pdf", "csv": "text/csv; charset=utf-8"}[name.rpartition(".")[2]]
    return Parcel(f"id-of-{path.name}", name.rpartition(".")[2], name, kind, len(content), "0" * 64, path)


def dispatch(target: Target, *parcels: Parcel, recipient: str = "", body: Path | None = None) -> Dispatch:
    return Dispatch(target, recipient, LETTER, "0123456789abcdef", parcels, body)
