"""What a client does with schedules, runs and keys."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduler_service.client import Client, Conflict, NotFound
from tests.api.given import schedule_body


def given_schedules(client: Client, *names: str, **fields: object) -> list[int]:
    return [client.schedules.create(schedule_body(name, **fields)).id for name in names]


def test_a_list_is_walked_page_by_page(client: Client) -> None:
    given_schedules(client, *"abcde")

    assert [schedule.name for schedule in client.schedules.each(limit=2)] == list("abcde")


def test_a_page_tells_the_total_when_asked(client: Client) -> None:
    given_schedules(client, *"abc")

    page = client.schedules.page(limit=2, total=True)

    assert (len(page.items), page.total) == (2, 3)
    assert client.schedules.page().total is None


def test_filters_go_over_the_wire(client: Client) -> None:
    given_schedules(client, "a", tags=["night", "etl"])
    given_schedules(client, "b", tags=["night"], enabled=False)
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)

    assert [found.name for found in client.schedules.each(tag=["night", "etl"])] == ["a"]
    assert [found.name for found in client.schedules.each(enabled=False)] == ["b"]
    assert list(client.runs.each(occurrence_after=an_hour_ago, state=["failed", "lost"])) == []


def test_a_schedule_is_found_by_name_or_id(client: Client) -> None:
    one, _ = given_schedules(client, "orders, hourly", "orders")

    assert client.schedules.find("orders, hourly").id == one
    assert client.schedules.find(str(one)).name == "orders, hourly"
    with pytest.raises(NotFound, match="'order'"):
        client.schedules.find("order")


def test_what_was_read_may_be_sent_back(client: Client) -> None:
    made = client.schedules.create(schedule_body(tags=["night"], description="by hand"))

    again = client.schedules.replace(made.id, made.settable(), revision=made.revision)

    assert again.settable() == made.settable()


def test_pause_resume_delete(client: Client) -> None:
    (schedule_id,) = given_schedules(client, "orders")

    paused = client.schedules.pause(schedule_id, reason="the source is down")
    assert (paused.state, paused.paused_reason) == ("paused", "the source is down")
    assert client.schedules.resume(schedule_id).state == "active"
    client.schedules.delete(schedule_id)
    with pytest.raises(NotFound):
        client.schedules.get(schedule_id)


def test_a_run_by_hand(client: Client) -> None:
    (schedule_id,) = given_schedules(client, "orders")

    run = client.schedules.trigger(schedule_id, args=[1], kwargs={"full": True})
    assert (run.args, run.kwargs, run.finished) == ([1], {"full": True}, False)
    with pytest.raises(Conflict):
        client.runs.retry(run.id)
    cancelled = client.runs.cancel(run.id)
    assert (cancelled.state, cancelled.finished) == ("cancelled", True)
    assert client.runs.retry(run.id).state == "pending"
    assert [found.id for found in client.runs.each(schedule_id=schedule_id)] == [run.id]


def test_what_is_to_come(client: Client) -> None:
    (schedule_id,) = given_schedules(client, "orders")

    found = client.schedules.upcoming(schedule_id, count=3, after=datetime(2030, 1, 1, tzinfo=UTC))

    assert len(found.items) == 3
    assert found.items[0].occurrence_at.year == 2030


def test_a_backfill(client: Client) -> None:
    (schedule_id,) = given_schedules(client, "orders", timing={"type": "crontab", "expression": "0 * * * *"})
    wanted = {"start": "2026-03-02T00:00:00Z", "end": "2026-03-02T03:00:00Z"}

    assert client.schedules.propose_backfill(schedule_id, **wanted).total == 3
    made = client.schedules.backfill(schedule_id, **wanted, max_parallel=2)
    assert (made.total, made.max_parallel, made.runs) == (3, 2, {"buffered": 3})


def test_many_at_once(client: Client) -> None:
    ids = given_schedules(client, *"abc", tags=["night"])
    given_schedules(client, "d")

    would = client.schedules.bulk("pause", where={"tag": ["night"]}, dry_run=True)
    assert (would.total, would.dry_run) == (3, True)
    assert {found.state for found in client.schedules.each()} == {"active"}
    done = client.schedules.bulk("pause", ids=[ids[0], 77], reason="tonight")
    assert [(item.id, item.outcome) for item in done.items] == [(ids[0], "changed"), (77, "failed")]
    assert (done.succeeded, done.failed, done.items[1].code) == (1, 1, "schedule_not_found")


@pytest.mark.parametrize("format", ["yaml", "json"])
def test_an_export_is_imported_and_changes_nothing(client: Client, format: str) -> None:
    given_schedules(client, "a", "b", tags=["night"])
    document = client.schedules.export(format=format)  # type: ignore[arg-type]

    plan = client.schedules.import_(document, format=format)  # type: ignore[arg-type]

    assert plan.changes_nothing
    assert plan.unchanged == ["a", "b"]


def test_an_import_says_what_it_changes(client: Client) -> None:
    given_schedules(client, "a", "b")
    document = client.schedules.export(q="a").replace("every: 30", "every: 60")

    plan = client.schedules.import_(document, prune=True, dry_run=True)

    assert [changed.name for changed in plan.changed] == ["a"]
    assert (plan.pruned, plan.changes_nothing) == (["b"], False)
    assert [schedule.name for schedule in client.schedules.each()] == ["a", "b"]


def test_keys(client: Client) -> None:
    ends = datetime(2100, 1, 1, tzinfo=UTC)

    made = client.keys.create("ci", "operator", expires_at=ends)
    assert (made.role, made.expires_at) == ("operator", ends)
    assert made.key.startswith(made.prefix)
    client.keys.revoke(made.id)
    (kept,) = client.keys.each()
    assert kept.revoked_at is not None
    assert made.key not in str(kept)


def test_what_else_there_is_to_read(client: Client) -> None:
    (schedule_id,) = given_schedules(client, "orders")
    client.schedules.trigger(schedule_id)

    assert client.me().role == "admin"
    assert client.stats(schedule_id=schedule_id).states == {"pending": 1}
    assert {event.action for event in client.audit(subject_id=schedule_id)} == {"create", "trigger"}
    assert list(client.tasks()) == []
    assert list(client.workers()) == []
