"""More clients than connections."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.api.given import given_schedule
from tests.api.serving import Server


def test_many_clients_at_once_are_all_served(served: Server, api: httpx.Client) -> None:
    path = f"/schedules/{given_schedule(api)['id']}"

    def visit(number: int) -> list[int]:
        with served.client() as client:
            return [
                client.get("/schedules").status_code,
                client.patch(path, json={"description": str(number)}).status_code,
                client.get("/runs").status_code,
            ]

    with ThreadPoolExecutor(45) as pool:
        statuses = [status for visited in pool.map(visit, range(45)) for status in visited]

    assert set(statuses) == {200}
