"""Whether a connection works: it is reached, and lets us in. Nothing is read from it or sent to it but that."""

import os
import socket
from urllib.parse import urlsplit

from scheduler_service.errors import ConnectionBroken, ConnectionUnknown, RequestRefused
from scheduler_service.timing.clock import Clock
from scheduler_service.workloads.connections import (
    Connections,
    FolderConnection,
    HttpConnection,
    SmtpConnection,
    SqlConnection,
    WebhookConnection,
)
from scheduler_service.workloads.stopping import Stop, interruptible, never

LIMIT_SECONDS = 10.0
KEPT_OUT = (401, 403, 407)
PORTS = {"http": 80, "https": 443}


def check(name: str, connections: Connections, *, clock: Clock) -> str:
    """What answered, in a few words. Raises: ConnectionUnknown, and what the connection fails with."""
    match connections.get(name):
        case HttpConnection() as http:
            return _http(http, clock)
        case SqlConnection() as sql:
            return _sql(name, sql)
        case SmtpConnection() as smtp:
            return _smtp(name, smtp)
        case WebhookConnection() as webhook:
            return _webhook(name, webhook)
        case FolderConnection() as folder:
            return _folder(name, folder)
    raise ConnectionUnknown(name)


def _http(connection: HttpConnection, clock: Clock) -> str:
    """Any answer will do, since a base URL need not be a page; but not being let in."""
    from scheduler_service.workloads.collect.definitions import RetryPolicy
    from scheduler_service.workloads.collect.http_places import Place, fetching

    place, stop = Place.at(connection, None), Stop(never, LIMIT_SECONDS)
    with fetching(place, (), clock=clock, stop=stop, retry=RetryPolicy(attempts=1), accept="*/*") as http:
        try:
            return f"answered {http.get(place.url).status}"
        except RequestRefused as refused:
            if refused.status in KEPT_OUT or not refused.where.startswith(connection.place):
                raise
            return f"answered {refused.status}"


def _sql(name: str, connection: SqlConnection) -> str:
    from scheduler_service.workloads.collect import sql

    stop = Stop(never, LIMIT_SECONDS)
    with sql.reading(connection, stop, name=name) as (reader, interrupt), interruptible(stop, interrupt):
        reader.exec_driver_sql("SELECT 1").close()
        version = ".".join(map(str, reader.dialect.server_version_info or ()))
        return f"answered, {connection.engine} {version}".strip()


def _smtp(name: str, connection: SmtpConnection) -> str:
    import smtplib

    from scheduler_service.workloads.delivery import mail

    try:
        with mail.session(connection, name) as smtp:
            return f"answered {smtp.noop()[0]}{', signed in' if connection.user else ''}"
    except (smtplib.SMTPException, OSError) as why:
        raise ConnectionBroken(name, str(why) or type(why).__name__) from None


def _webhook(name: str, connection: WebhookConnection) -> str:
    """Its receiver would take a request for news."""
    parts = urlsplit(connection.url.get_secret_value())
    try:
        with socket.create_connection((parts.hostname, parts.port or PORTS[parts.scheme]), LIMIT_SECONDS):
            return "is reached; nothing was sent"
    except OSError as why:
        raise ConnectionBroken(name, str(why)) from None


def _folder(name: str, connection: FolderConnection) -> str:
    if not connection.path.is_dir():
        raise ConnectionBroken(name, "there is no such folder")
    if not os.access(connection.path, os.W_OK | os.X_OK):
        raise ConnectionBroken(name, "it cannot be written to")
    return "can be written to"
