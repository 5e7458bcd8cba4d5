"""Requests that are done once: who repeats one, with its key, within a day gets the answer of the first.

The key is entered in the transaction of the work, so that neither is there without the other, and a repeat that comes
meanwhile waits for it. Work in several transactions enters its key before, with a lease, and keeps the answer after:
should its process die between, a repeat goes on with it when the lease has ended.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from uuid_utils.compat import uuid7

from scheduler_service.errors import IdempotencyKeyReused, RequestUnderWay
from scheduler_service.storage import idempotency as stored
from scheduler_service.storage.session import Database, Session

KEPT = timedelta(hours=24)
LEASE = timedelta(minutes=5)


@dataclass(frozen=True)
class Keyed:
    """A request with a key; equal ones have equal fingerprints."""

    caller: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Answer:
    """What was answered to a request."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Batch:
    """Work in several transactions: repeated, it has the same id and instant, and makes nothing twice."""

    id: UUID
    began_at: datetime


def begin(session: Session, request: Keyed, *, now: datetime) -> Answer | None:
    """Enter the request, in the transaction of its work; the answer, if it had one before.

    Raises: IdempotencyKeyReused, RequestUnderWay.
    """
    found = _enter(session, request, lease_until=None, now=now)
    return found if isinstance(found, Answer) else None


def finish(session: Session, request: Keyed, answer: Answer) -> None:
    """Keep the answer."""
    stored.answer(session, request.caller, request.key, status=answer.status, headers=answer.headers, body=answer.body)


def begin_batch(database: Database, request: Keyed | None, *, now: datetime) -> Batch | Answer:
    """Enter a request whose work is several transactions, if it has a key; the answer, if it had one before.

    Raises: IdempotencyKeyReused, RequestUnderWay.
    """
    if request is None:
        return Batch(uuid7(), now)
    with database.transaction() as session:
        found = _enter(session, request, lease_until=now + LEASE, now=now)
    if isinstance(found, Answer):
        return found
    return Batch(uuid5(NAMESPACE_URL, f"{request.caller} {request.key} {found.isoformat()}"), found)


def finish_batch(database: Database, request: Keyed, answer: Answer) -> None:
    """Keep the answer."""
    with database.transaction() as session:
        finish(session, request, answer)


@contextmanager
def given_back(database: Database, request: Keyed, *, now: datetime) -> Iterator[None]:
    """End the lease of work that fails, so that a repeat may go on with it at once."""
    try:
        yield
    except Exception:
        with database.transaction() as session:
            stored.lease(session, request.caller, request.key, until=now)
        raise


def _enter(session: Session, request: Keyed, *, lease_until: datetime | None, now: datetime) -> Answer | datetime:
    """The answer that the request had, else when it was entered first."""
    row = {**vars(request), "created_at": now, "lease_until": lease_until}
    if stored.claim(session, row, forget_before=now - KEPT):
        return now
    known = stored.get_locked(session, request.caller, request.key)
    if known.fingerprint != request.fingerprint:
        raise IdempotencyKeyReused(request.key)
    if known.status is not None:
        return Answer(known.status, known.headers or {}, known.body or "")
    if lease_until is None or (known.lease_until is not None and known.lease_until > now):
        raise RequestUnderWay(request.key)
    stored.lease(session, request.caller, request.key, until=lease_until)
    return known.created_at
