"""The service's own API process, and a client of it that is signed in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.support.ports import free_port
from tests.support.processes import Process, Site
from tests.support.waiting import eventually

KEY = "a-key-of-sixteen-or-more"


@contextmanager
def api_of(site: Site, **env: str) -> Iterator[httpx.Client]:
    """Start it and wait until it answers."""
    port = str(free_port())
    site.env |= {"SCHEDULER_ADMIN_KEY": KEY, "SCHEDULER_API_PORT": port}
    api = site.service("api", **env)
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, timeout=30) as client:
        eventually(lambda: _answers(client, api), within=30)
        yield client


def ok(response: httpx.Response) -> Any:
    """Its body, when it is an answer."""
    assert response.is_success, response.text
    return response.json()


def _answers(client: httpx.Client, api: Process) -> bool:
    assert api.alive, api.log
    try:
        return client.get("/schedules").status_code == 200
    except httpx.TransportError:
        return False
