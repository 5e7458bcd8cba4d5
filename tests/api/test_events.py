"""The live stream, over real HTTP and with the databases' own clocks."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from uuid_utils.compat import uuid7

from scheduler_service.api import events as routes
from scheduler_service.api.app import create_api
from scheduler_service.services import events
from scheduler_service.storage import attempts, publishing, runs
from scheduler_service.storage import events as stored
from scheduler_service.storage.attempts import Ending
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.given import fields_of, given_schedule, problem, row_of
from tests.api.serving import KEY, Server
from tests.support.postgres import Postgres
from tests.support.rows import given_schedules, sql
from tests.support.waiting import eventually


@dataclass
class Told:
    """One block of a stream."""

    event: str | None = None
    id: str | None = None
    data: Any = None
    comment: str | None = None


class Stream:
    """A stream that is read block by block; it fails when nothing comes for five seconds."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def blocks(self) -> Iterator[Told]:
        told = Told()
        for line in self._lines:
            if not line:
                yield told
                told = Told()
                continue
            name, _, value = line.partition(": ")
            setattr(told, name or "comment", json.loads(value) if name == "data" else value)

    def next(self, *, event: bool = True) -> Told:
        """The next event, or whatever comes next."""
        return next(told for told in self.blocks() if told.event or not event)


@contextmanager
def client_of(server: Server, database: Database, warehouse: Warehouse) -> Iterator[httpx.Client]:
    """Afterwards nothing looks at the database any more."""
    server.app = create_api(database, admin_key=KEY, warehouse=warehouse)
    with server.client() as client:
        yield client
    eventually(lambda: not feeds(), within=10)


def feeds() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "event feed"]


@pytest.fixture
def client(server: Server, database: Database, warehouse: Warehouse) -> Iterator[httpx.Client]:
    with client_of(server, database, warehouse) as client:
        yield client


@contextmanager
def listening(client: httpx.Client, *, last_id: str | None = None, **query: Any) -> Iterator[Stream]:
    headers = {} if last_id is None else {"Last-Event-ID": last_id}
    with client.stream("GET", "/events", params=query, headers=headers, timeout=5) as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        yield Stream(answer)


def given_run(database: Database, schedule_id: int, **fields: Any) -> UUID:
    """A run that is decided now."""
    now = database.clock.now()
    schedule = row_of(database, schedule_id)
    run_id = uuid7()
    run = runs.new_run(schedule, run_id=run_id, origin=f"manual:{run_id}", occurrence_at=now, fire_at=now, now=now)
    with database.transaction() as session:
        publishing.insert_runs(session, [run | {"decided_at": now, "decided_by": "test"} | fields])
    return run_id


def test_the_life_of_a_run_is_told_as_it_happens(client: httpx.Client, database: Database) -> None:
    made = given_schedule(client)
    with listening(client) as stream:
        seen = []
        run_id = given_run(database, made["id"])
        seen.append(stream.next())
        with database.transaction() as session:
            publishing.mark_published(session, [run_id], now=database.clock.now())
        seen.append(stream.next())
        with database.transaction() as session:
            attempts.claim(session, run_id, 1, worker="w", now=database.clock.now())
        seen.append(stream.next())
        client.post(f"/runs/{run_id}/cancel")
        seen.append(stream.next())
        with database.transaction() as session:
            attempts.retry(session, run_id, 1, retry_at=None, error="no", now=database.clock.now())
        seen.append(stream.next())
        with database.transaction() as session:
            attempts.claim(session, run_id, 2, worker="w", now=database.clock.now())
            attempts.finish(session, run_id, 2, Ending("succeeded", result=[1]), now=database.clock.now())
        seen.append(stream.next())

    assert [told.event for told in seen] == ["run"] * 6
    assert [told.data["state"] for told in seen] == [
        "pending", "published", "running", "running", "retrying", "succeeded",
    ]  # fmt: skip
    assert seen[-1].data == client.get("/runs").json()["items"][0]


def test_changes_of_schedules_are_told_whoever_makes_them(client: httpx.Client, database: Database) -> None:
    with listening(client) as stream:
        made = given_schedule(client)
        created = stream.next()
        sql(database, "UPDATE periodic_task SET enabled = false")
        paused = stream.next()

    assert (created.event, created.data["action"], created.data["subject_id"]) == (
        "schedule",
        "create",
        str(made["id"]),
    )
    assert (paused.data["actor"], paused.data["changes"]) == ("database", {"enabled": [True, False]})
    assert client.get("/audit").json()["items"] == [paused.data, created.data]


def test_a_reader_that_comes_back_misses_nothing(client: httpx.Client, database: Database) -> None:
    made = given_schedule(client)
    with listening(client) as stream:
        first = given_run(database, made["id"])
        last = stream.next()
    with database.transaction() as session:
        attempts.claim(session, first, 1, worker="w", now=database.clock.now())
    second = given_run(database, made["id"])
    client.post(f"/schedules/{made['id']}/pause")

    with listening(client, last_id=last.id) as stream:
        told = []
        while ("schedule", "pause") not in told:
            block = stream.next()
            told.append(
                (block.data["id"], block.data["state"]) if block.event == "run" else ("schedule", block.data["action"])
            )
        third = given_run(database, made["id"])
        live = stream.next()

    assert {(str(first), "running"), (str(second), "pending")} <= set(told)
    assert live.data["id"] == str(third)


def test_what_is_committed_late_is_told_all_the_same(
    server: Server, postgres_url: str, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MARGIN", timedelta(seconds=0.3))
    database = Database(postgres_url)
    with client_of(server, database, warehouse) as client:
        made = given_schedule(client)
        schedule = row_of(database, made["id"])
        with listening(client, types="run") as stream:
            with database.transaction() as slow:
                now = database.clock.now()
                run = runs.new_run(schedule, run_id=uuid7(), origin="slow", occurrence_at=now, fire_at=now, now=now)
                publishing.insert_runs(slow, [run | {"decided_at": now, "decided_by": "test"}])
                eventually(lambda: database.clock.now() > now + timedelta(seconds=2), within=5)
                fast = given_run(database, made["id"])
                told = stream.next()
            late = stream.next()
    database.close()

    assert (told.data["id"], late.data["id"]) == (str(fast), str(run["id"]))


def test_a_reader_hears_what_it_asked_for(client: httpx.Client, database: Database) -> None:
    one, other = given_schedule(client, "one"), given_schedule(client, "other")

    with listening(client, types="run,schedule", schedule_id=other["id"]) as of_other:
        with listening(client, types="schedule") as of_schedules:
            given_run(database, one["id"])
            run_id = given_run(database, other["id"])
            client.post(f"/schedules/{one['id']}/pause")
            assert of_schedules.next().data["action"] == "pause"
        client.post(f"/schedules/{other['id']}/pause")
        told = [of_other.next(), of_other.next()]

    assert told[0].data["id"] == str(run_id)
    assert (told[1].data["action"], told[1].data["subject_name"]) == ("pause", "other")


def test_many_streams_hold_neither_turns_nor_connections(client: httpx.Client, database: Database) -> None:
    made = given_schedule(client)
    opened = [client.stream("GET", "/events") for _ in range(40)]
    streams = [Stream(answer.__enter__()) for answer in opened]

    answers = [client.get("/runs").status_code for _ in range(20)]
    run_id = given_run(database, made["id"])
    told = {stream.next().data["id"] for stream in streams}
    for answer in opened:
        answer.__exit__(None, None, None)

    assert set(answers) == {200}
    assert told == {str(run_id)}


def test_one_who_only_listens_gets_signs_of_life_with_a_place_to_go_on(client: httpx.Client) -> None:
    with listening(client) as stream:
        sign = stream.next(event=False)

    assert (sign.event, sign.comment) == (None, "listening")
    assert sign.id is not None
    assert sign.id.isdigit()


def test_nothing_is_asked_of_the_database_while_nobody_listens(client: httpx.Client) -> None:
    with listening(client), listening(client):
        assert len(feeds()) == 1

    eventually(lambda: not feeds(), within=5)
    with listening(client):
        assert len(feeds()) == 1


def test_a_stream_ends_after_a_while_so_that_its_key_is_looked_at_again(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "RENEWED_AFTER_SECONDS", 0.0)
    with listening(client) as stream:
        *_, last = stream.blocks()

    assert (last.event, last.data["reason"]) == ("end", "it is to be renewed; go on from here")
    assert events.parse_id(last.id or "") < datetime.now(UTC)


def test_too_many_streams_are_refused(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_STREAMS", 1)
    with listening(client):
        refused = client.get("/events")

    assert (refused.status_code, problem(refused)["code"]) == (503, "too_many_streams")


def test_too_many_changes_ask_the_reader_to_read_anew(client: httpx.Client, database: Database) -> None:
    with listening(client) as stream:
        place = stream.next(event=False).id
    given_schedules(database, events.MOST_AT_ONCE + 1)

    with listening(client, last_id=place) as stream:
        told = stream.next()

    assert (told.event, list(told.data)) == ("reset", ["reason"])


def test_a_reader_that_is_too_slow_is_told_where_to_go_on() -> None:
    reader = events.Reader(events.Wanted(), lambda: None)
    start = events.parse_id("1700000000000000")
    for number in range(10):
        at = start + timedelta(seconds=number)
        reader.offer([events.Message(at, events.RUN, "x" * (events.LONGEST_WAITING // 4))], at)

    (last,), _ = reader.take()

    assert (last.event, last.position, last.is_last) == ("end", start, True)
    assert reader.take()[0] == []


def test_while_the_database_is_away_the_stream_says_so_and_goes_on(
    server: Server, postgres: Postgres, postgres_url: str, warehouse: Warehouse
) -> None:
    database = Database(postgres_url)
    with client_of(server, database, warehouse) as client:
        made = given_schedule(client)
        with listening(client) as stream:
            with postgres.away(postgres_url):
                away = next(told for told in stream.blocks() if told.comment and "away" in told.comment)
            back = next(told for told in stream.blocks() if told.comment and "back" in told.comment)
            run_id = given_run(database, made["id"])
            told = stream.next()
    database.close()

    assert away.comment == "the database is away; this goes on when it is back"
    assert back.comment == "the database is back"
    assert told.data["id"] == str(run_id)


@pytest.mark.parametrize("last_id", ["", "x", "-1", "1" * 17, "١٢"])
def test_an_id_that_is_none_of_ours_is_refused(sqlite_api: httpx.Client, last_id: str) -> None:
    refused = sqlite_api.get("/events", headers={b"Last-Event-ID": last_id.encode()})

    assert (refused.status_code, list(fields_of(refused))) == (422, ["last-event-id"])


@pytest.mark.parametrize("query", ["types=", "types=x", "types=run,", "schedule_id=0", "other=1"])
def test_what_names_no_events_is_refused(sqlite_api: httpx.Client, query: str) -> None:
    refused = sqlite_api.get(f"/events?{query}")

    assert refused.status_code == 422
    assert all(field.startswith(query.partition("=")[0]) for field in fields_of(refused))
