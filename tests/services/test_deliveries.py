"""Deliveries: tried until they are sent or have failed, each try by one sender, and again when a person asks."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from scheduler_service.services import deliveries
from scheduler_service.storage import deliveries as stored
from scheduler_service.storage.models import Delivery
from scheduler_service.storage.session import Database
from scheduler_service.workloads.connections import WebhookConnection
from tests.services.reporting import TO_SHARE, Office
from tests.support.clock import ManualClock
from tests.workloads.delivery.post import mail_server, receiver

HOOK = {"type": "webhook", "connection": "hook"}


@pytest.fixture
def office(held_database: Database, tmp_path: Path) -> Office:
    return Office(held_database, tmp_path)


def hook(url: str) -> WebhookConnection:
    return WebhookConnection(type="webhook", url=SecretStr(url), secret=SecretStr("secret"))


def send_due(office: Office) -> Counter[str]:
    return deliveries.send_due(office.database, office.site.delivery, office.site.places.files)


def the_one(office: Office) -> Delivery:
    (delivery,) = office.deliveries()
    return delivery


def test_a_receiver_that_is_away_gets_it_later_under_the_same_id(office: Office, clock: ManualClock) -> None:
    with receiver() as got:
        got.status = 503
        office.connect({"hook": hook(got.url)})
        assert office.run(office.report(deliver=[HOOK]))["deliveries"] == {"pending": 1}
        assert the_one(office).error == "hook: answered 503"
        got.status = 200
        at_once = send_due(office)

        clock.advance(timedelta(minutes=1))
        assert (at_once, send_due(office)) == (Counter(), Counter(sent=1))

    first, second = (headers["webhook-id"] for headers, _ in got.got)
    assert first == second
    assert (the_one(office).state, the_one(office).error, the_one(office).attempts) == ("sent", None, 2)
    assert the_one(office).sent_at == clock.now()


def test_after_the_last_wait_it_has_failed(office: Office, clock: ManualClock) -> None:
    with receiver() as got:
        got.status = 500
        office.connect({"hook": hook(got.url)})
        office.run(office.report(deliver=[HOOK]))
        for wait in deliveries.WAITS:
            assert the_one(office).state == "pending"
            clock.advance(wait)
            send_due(office)

    assert (the_one(office).state, len(got.got)) == ("failed", len(deliveries.WAITS) + 1)


def test_a_failed_one_is_sent_when_a_person_asks(office: Office, clock: ManualClock) -> None:
    with receiver() as got:
        got.status = 404
        office.connect({"hook": hook(got.url)})
        office.run(office.report(deliver=[HOOK]))
        assert the_one(office).state == "failed"
        got.status = 200

        with office.database.transaction() as session:
            deliveries.retry(session, the_one(office).id, actor="test", now=clock.now())
        assert send_due(office) == Counter(sent=1)

    assert len(office.artifacts()) == 1


def test_of_several_senders_one_has_each(office: Office, clock: ManualClock) -> None:
    with receiver() as got:
        got.status = 503
        office.connect({"hook": hook(got.url)})
        office.run(office.report(deliver=[HOOK] * 12))
        got.status = 200
        got.got.clear()
        clock.advance(deliveries.WAITS[0])

        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(lambda _: send_due(office), range(4)))

    assert sum(outcomes, Counter()) == Counter(sent=12)
    assert len(got.got) == len({headers["webhook-id"] for headers, _ in got.got}) == 12


def test_what_a_killed_sender_had_claimed_is_sent_after_its_lease(office: Office, clock: ManualClock) -> None:
    office.connect({})
    (office.share).rmdir()
    office.run(office.report(deliver=[TO_SHARE]))  # the folder is away
    clock.advance(deliveries.WAITS[0])
    with office.database.transaction() as session:
        stored.claim_due(session, now=clock.now())  # and then the sender is killed
    office.share.mkdir()

    assert send_due(office) == Counter()
    clock.advance(stored.LEASE)
    assert send_due(office) == Counter(sent=1)


def test_each_recipient_of_a_mail_is_a_delivery_and_only_the_refused_one_is_tried_again(
    office: Office, clock: ManualClock, tmp_path: Path
) -> None:
    target = {"type": "email", "connection": "mail", "to": ["a@example.com", "b@example.com"], "outputs": ["csv"]}
    with mail_server(tmp_path) as inbox:
        office.connect({"mail": inbox.connection()})
        inbox.refusals["b@example.com"] = "451 later"
        assert office.run(office.report(deliver=[target]))["deliveries"] == {"sent": 1, "pending": 1}
        inbox.refusals.clear()

        clock.advance(timedelta(minutes=1))
        assert send_due(office) == Counter(sent=1)

    assert [recipients for recipients, _ in inbox.taken] == [["a@example.com"], ["b@example.com"]]
    first, second = (message for _, message in inbox.taken)
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Subject"] == "Orders – 2026-03-02"
    body = first.get_body(("html",))
    assert body is not None
    assert "<h1>Orders</h1>" in body.get_content()
    assert [part.get_filename() for part in first.iter_attachments()] == ["orders - Numbers 2026-03-02 1200.csv"]


def test_a_folder_gets_every_output_but_the_mails_body(office: Office, tmp_path: Path) -> None:
    email = {"type": "email", "connection": "nowhere", "to": ["a@example.com"]}

    office.run(office.report(outputs=["csv", "xlsx"], deliver=[TO_SHARE, email]))

    assert sorted(path.suffix for path in office.share.iterdir()) == [".csv", ".xlsx"]
    assert sorted(artifact.output for artifact in office.artifacts()) == ["csv", "mail", "xlsx"]
