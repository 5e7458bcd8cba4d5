"""What the API does in a second over many schedules, and whether a page of a filtered list costs more than over few."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from threading import Thread
from time import monotonic, perf_counter

import httpx
from sqlalchemy import text

from benchmarks.parts import Parts, given_schedules
from scheduler_service.storage.session import Database
from tests.support.api_client import api_of
from tests.support.processes import site

SIZES = (1_000, 100_000)
CLIENTS, SECONDS = 4, 10
PAGE: dict[str, str | int] = {"state": "active", "tag": "rare", "limit": 50}
#: Of every size alike: 500 have the tag, and a page of them is looked for.
TAG = "UPDATE periodic_task SET tags = '[\"rare\"]', audited_writes = audited_writes + 1 WHERE id % :each = 0"

Ask = Callable[[httpx.Client, int], httpx.Response]


def pages(parts: Parts) -> list[str]:
    """Requests a second and their latencies, one API process, four clients on loopback."""
    measured = {size: _measured(parts, size) for size in SIZES}
    few, many = (measured[size]["pages"] for size in SIZES)
    lines = [
        f"API, {size} schedules: "
        + "; ".join(
            f"{len(took) / SECONDS:.0f} {what} a second, p99 {_p99(took) * 1000:.0f} ms" for what, took in of.items()
        )
        for size, of in measured.items()
    ]
    return [*lines, f"p99 of a filtered page: {_p99(many) / _p99(few):.2f} times (at most 3)"]


def _measured(parts: Parts, size: int) -> dict[str, list[float]]:
    with parts.database() as database, TemporaryDirectory() as logs:
        given_schedules(database, size, due_in="1 day")
        ids = _tagged(database, size)
        url = database.url.render_as_string(hide_password=False)
        with site(url, parts.broker.url, Path(logs)) as started:
            started.env |= {"SCHEDULER_RATE_LIMIT_KEY": "0", "SCHEDULER_RATE_LIMIT_ADDRESS": "0"}
            with api_of(started) as client:
                numbers = count()
                return {
                    "pages": _loaded(client, lambda one, _: one.get("/schedules", params=PAGE)),
                    "reads": _loaded(client, lambda one, turn: one.get(f"/schedules/{ids[turn % len(ids)]}")),
                    "writes": _loaded(
                        client,
                        lambda one, turn: one.patch(
                            f"/schedules/{ids[turn % len(ids)]}", json={"description": f"{next(numbers)}"}
                        ),
                    ),
                }


def _tagged(database: Database, size: int) -> list[int]:
    with database.transaction() as session:
        session.execute(text(TAG), {"each": size // 500})
        ids = list(session.scalars(text("SELECT id FROM periodic_task ORDER BY id")))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE periodic_task"))
    return ids


def _loaded(client: httpx.Client, ask: Ask) -> list[float]:
    """The seconds that each request took, of all that the clients could make."""
    took: list[float] = []
    until = monotonic() + SECONDS

    def work(number: int) -> None:
        with httpx.Client(base_url=client.base_url, headers=client.headers, timeout=30) as own:
            turn = number
            while monotonic() < until:
                began = perf_counter()
                ask(own, turn).raise_for_status()
                took.append(perf_counter() - began)
                turn += CLIENTS

    threads = [Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def _p99(took: list[float]) -> float:
    return quantiles(took, n=100)[98]
