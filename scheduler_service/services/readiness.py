"""Whether this process can do its work."""

import logging

from scheduler_service.errors import CannotStart, FieldProblem, NotReady, StoreAway
from scheduler_service.storage import migrating
from scheduler_service.storage.session import Database

logger = logging.getLogger(__name__)


def check(database: Database) -> dict[str, str]:
    """What is looked at, each "ok". Raises: NotReady, naming what is not."""
    try:
        with database.reading() as session:
            migrating.check_connection(session.connection())
    except StoreAway as why:
        logger.warning("not ready: %s", why)  # only here: a probe needs no key
        unknown = FieldProblem("migrations", "unknown, since the database is away")
        raise NotReady([FieldProblem("database", "cannot be reached right now"), unknown]) from why
    except CannotStart as why:
        raise NotReady([FieldProblem("migrations", str(why))]) from why
    return {"database": "ok", "migrations": "ok"}
