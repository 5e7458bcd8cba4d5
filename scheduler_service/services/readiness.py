"""Whether this process can do its work, and whether there is somebody to do the rest."""

import logging
from dataclasses import dataclass

from scheduler_service.errors import CannotStart, FieldProblem, NotReady, StoreAway
from scheduler_service.services.broker_look import Broker
from scheduler_service.storage import beats, migrating
from scheduler_service.storage.session import Database

logger = logging.getLogger(__name__)

OK = "ok"


@dataclass(frozen=True)
class Readiness:
    """What was looked at, each "ok" or in words; degraded: requests are served, but runs wait."""

    checks: dict[str, str]
    is_degraded: bool


def check(database: Database, broker: Broker) -> Readiness:
    """Look at everything. Raises: NotReady, naming what is needed for any answer and is not there."""
    try:
        with database.reading() as session:
            migrating.check_connection(session.connection())
            living = beats.living(session, database.clock.now())
    except StoreAway as why:
        logger.warning("not ready: %s", why)  # only here: a probe needs no key
        unknown = FieldProblem("migrations", "unknown, since the database is away")
        raise NotReady([FieldProblem("database", "cannot be reached right now"), unknown]) from why
    except CannotStart as why:
        raise NotReady([FieldProblem("migrations", str(why))]) from why
    look = broker.look()
    away = "does not answer: runs wait until it is back"
    unseen = "none was seen lately: nothing is decided or sent until one runs"
    not_asked = (
        "not looked at: it is no Redis" if look.url is not None else "not looked at: none is set for this process"
    )
    checks = {
        "database": OK,
        "migrations": OK,
        "broker": away if look.is_away else OK if look.looked else not_asked,
        "beat": OK if living else unseen,
    }
    return Readiness(checks, look.is_away or not living)
