"""Knows keys and sessions when it sees them, and how often it saw them."""

import hmac
import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from scheduler_service.api.access import Access
from scheduler_service.api.limits import Limit
from scheduler_service.errors import Unauthenticated
from scheduler_service.services import keys, sign_in
from scheduler_service.services.roles import ADMIN, Identity
from scheduler_service.services.sign_in import Live, Rules
from scheduler_service.storage.session import Database, Session, store_errors

logger = logging.getLogger(__name__)

MOST_REGULARS = 10_000
NoteUse = Callable[[Session, int, datetime], None]


class Guard:
    """One for each application. A request costs it one read by an index, and none with the admin's key."""

    def __init__(self, database: Database, *, admin_key: str, access: Access) -> None:
        self.public_url = access.public_url
        self.rules = Rules(admin_key, access.session_idle, access.session_lifetime)
        self._database, self._admin_digest = database, keys.digest(admin_key)
        self._uses = Uses(database)
        self._requests = Limit("requests", access.per_key)
        self._bad_keys = Limit("keys that are not known, from this address", access.bad_keys)
        self._regulars: OrderedDict[tuple[str, str], None] = OrderedDict()  # (address, hash) that was right lately

    def by_key(self, key: str, *, address: str) -> Identity:
        """Whose key this is.

        An address that showed too many unknown keys waits, but for keys that were right from there before: one guest
        who guesses does not lock out those who share the address. Raises: Unauthenticated, TooManyRequests.
        """
        digest = keys.digest(key)
        regular = (address, digest) in self._regulars
        if not regular:
            self._bad_keys.take(address)
        identity = self._owner(digest)
        if identity is None:
            self._regulars.pop((address, digest), None)
            logger.warning("A key that is not known was shown from %s", address)
            raise Unauthenticated("This key is not known, or not any more.")
        if not regular:
            self._bad_keys.give_back(address)
        self._remember(address, digest)
        return identity

    def by_cookie(self, cookie: str) -> Live:
        """Whose session this is. Raises: Unauthenticated."""
        now = self._now()
        with self._database.reading() as session:
            live = sign_in.find(session, cookie, self.rules, now=now)
        if live is None:
            raise Unauthenticated("The session has ended: sign in again.")
        if now - live.last_used_at >= keys.USES_NOTED:
            self._uses.note(sign_in.note_use, live.id, now)
        return live

    def count(self, identity: Identity) -> None:
        """Count a request of theirs. Raises: TooManyRequests."""
        self._requests.take(identity.actor)

    def _owner(self, digest: str) -> Identity | None:
        if hmac.compare_digest(digest, self._admin_digest):
            return ADMIN
        now = self._now()
        with self._database.reading() as session:
            key = keys.find_holding(session, digest, now=now)
        if key is None:
            return None
        if key.last_used_at is None or now - key.last_used_at >= keys.USES_NOTED:
            self._uses.note(keys.note_use, key.id, now)
        return keys.identity_of(key)

    def _remember(self, address: str, digest: str) -> None:
        self._regulars[address, digest] = None
        while len(self._regulars) > MOST_REGULARS:
            self._regulars.popitem(last=False)

    def _now(self) -> datetime:
        """Asked before a connection is taken, since it may need one."""
        with store_errors():
            return self._database.clock.now()


class Uses:
    """Writes down when keys and sessions were used, beside the requests: none waits for it, or fails with it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: set[tuple[NoteUse, int]] = set()
        self._lock = Lock()

    def note(self, note_use: NoteUse, used: int, at: datetime) -> None:
        """Write it soon, unless that is about to be done."""
        with self._lock:
            if (note_use, used) in self._waiting:
                return
            self._waiting.add((note_use, used))
        written = self._database.beside(lambda session: note_use(session, used, at))
        written.add_done_callback(lambda _: self._done(note_use, used, written.exception()))

    def _done(self, note_use: NoteUse, used: int, why: BaseException | None) -> None:
        with self._lock:
            self._waiting.discard((note_use, used))
        if why is not None:  # the next use is written
            logger.warning("A use of a key or session was not written down: %s", why)
