"""A request with an Idempotency-Key is done once, however often it is sent."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from scheduler_service.services import idempotency
from scheduler_service.services.idempotency import Keyed
from scheduler_service.storage.session import Database
from tests.api.given import fields_of, given_schedule, problem, schedule_body
from tests.api.serving import Server
from tests.support.clock import ManualClock
from tests.support.rows import runs

KEY = {"Idempotency-Key": "7d1c-first"}


def kept(answer: httpx.Response) -> tuple[Any, ...]:
    names = ("location", "etag", "content-type", "content-language")
    return answer.status_code, answer.content, [answer.headers.get(name) for name in names]


def test_a_repeat_gets_the_first_answer_and_makes_nothing(api: httpx.Client) -> None:
    first = api.post("/schedules", json=schedule_body(), headers=KEY)
    api.patch("/schedules/1", json={"description": "edited since"})
    again = api.post("/schedules", json=schedule_body(), headers=KEY)

    assert first.status_code == 201
    assert kept(again) == kept(first)
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert len(api.get("/schedules").json()["items"]) == 1


def test_every_post_that_makes_something_takes_a_key(api: httpx.Client, held_database: Database) -> None:
    given_schedule(api)
    file = {"version": 1, "schedules": [schedule_body("from a file")]}
    backfill = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z"}
    requests: dict[str, dict[str, Any]] = {
        "/schedules": schedule_body("second"),
        "/schedules/1/trigger": {},
        "/schedules/1/backfill": backfill,
        "/schedules/bulk": {"action": "trigger", "ids": [1]},
        "/schedules/import": file,
    }

    for number, (path, body) in enumerate(requests.items()):
        headers = {"Idempotency-Key": f"key-{number}"}
        first = api.post(path, json=body, headers=headers)
        again = api.post(path, json=body, headers=headers)

        assert first.is_success, first.text
        assert kept(again) == kept(first), path
        assert again.headers["idempotency-replayed"] == "true", path
    assert sum(run.origin.startswith("manual:") for run in runs(held_database)) == 2
    assert len(api.get("/backfills").json()["items"]) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/schedules", schedule_body("another"), id="another body"),
        pytest.param("/schedules/preview?x", schedule_body(), id="another path"),
        pytest.param("/schedules?x=1", schedule_body(), id="another query"),
    ],
)
def test_a_key_is_for_one_request(sqlite_api: httpx.Client, path: str, body: dict[str, Any]) -> None:
    sqlite_api.post("/schedules", json=schedule_body(), headers=KEY)

    other = sqlite_api.post(path, json=body, headers=KEY)

    if path.startswith("/schedules/preview"):  # it makes nothing, and takes no key
        assert problem(other)["code"] == "invalid"
    else:
        assert (other.status_code, problem(other)["code"]) == (409, "idempotency_key_reused")


def test_what_was_refused_may_be_sent_again(api: httpx.Client) -> None:
    refused = api.post("/schedules", json=schedule_body(timing=None), headers=KEY)
    corrected = api.post("/schedules", json=schedule_body(), headers=KEY)

    assert (refused.status_code, corrected.status_code) == (422, 201)


def test_of_many_repeats_at_once_one_is_done(served: Server, held_database: Database) -> None:
    def post(_: int) -> httpx.Response:
        with served.client() as client:
            return client.post("/schedules", json=schedule_body(), headers=KEY)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(8)))

    assert {kept(answer)[:2] for answer in answers} == {kept(answers[0])[:2]}
    assert sorted(answer.headers.get("idempotency-replayed", "") for answer in answers) == ["", *["true"] * 7]


def test_after_a_day_a_key_is_new(api: httpx.Client, clock: ManualClock) -> None:
    api.post("/schedules", json=schedule_body(), headers=KEY)

    clock.advance(timedelta(hours=23))
    within = api.post("/schedules", json=schedule_body(), headers=KEY)
    clock.advance(timedelta(hours=2))
    after = api.post("/schedules", json=schedule_body("another"), headers=KEY)

    assert (within.status_code, after.status_code) == (201, 201)
    assert after.json()["name"] == "another"
    assert "idempotency-replayed" not in after.headers


def test_a_batch_that_another_process_works_on_is_waited_for_and_then_taken_over(
    api: httpx.Client, held_database: Database, clock: ManualClock
) -> None:
    given_schedule(api)
    body = {"action": "trigger", "ids": [1]}
    first = api.post("/schedules/bulk", json=body, headers=KEY)
    with held_database.transaction() as session:  # as if its process had died before it could answer
        session.execute(text("UPDATE idempotency_key SET status = NULL, body = NULL, headers = NULL"))

    meanwhile = api.post("/schedules/bulk", json=body, headers=KEY)
    clock.advance(timedelta(minutes=6))
    later = api.post("/schedules/bulk", json=body, headers=KEY)

    assert first.json()["items"][0]["outcome"] == "changed"
    assert (meanwhile.status_code, problem(meanwhile)["code"]) == (409, "request_under_way")
    assert int(meanwhile.headers["retry-after"]) > 0
    assert (later.status_code, later.json()["items"][0]["outcome"]) == (200, "unchanged")
    assert len(runs(held_database)) == 1


def test_a_batch_that_failed_may_be_repeated_at_once(held_database: Database, clock: ManualClock) -> None:
    request, now = Keyed("ann", "k", "f"), clock.now()
    begun = idempotency.begin_batch(held_database, request, now=now)

    with pytest.raises(RuntimeError), idempotency.given_back(held_database, request, now=now):
        raise RuntimeError("half-way")

    clock.advance(timedelta(seconds=1))
    assert idempotency.begin_batch(held_database, request, now=clock.now()) == begun


def test_keys_are_each_callers_own(held_database: Database, clock: ManualClock) -> None:
    with held_database.transaction() as session:
        assert idempotency.begin(session, Keyed("ann", "k", "f"), now=clock.now()) is None
        assert idempotency.begin(session, Keyed("bob", "k", "other"), now=clock.now()) is None


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256])
def test_a_key_is_a_short_word(sqlite_api: httpx.Client, key: str) -> None:
    refused = sqlite_api.post("/schedules", json=schedule_body(), headers=[(b"Idempotency-Key", key.encode())])

    assert refused.status_code == 422
    assert list(fields_of(refused)) == ["idempotency-key"]
