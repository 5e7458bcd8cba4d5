"""A run of a report: made once, kept whole, delivered, and none of it twice."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from scheduler_service.errors import Cancelled, DefinitionNotFound, QueryFailed
from scheduler_service.storage.session import Database
from tests.services.reporting import TABLE, TO_SHARE, Office

NAME = "orders - Numbers 2026-03-02 1200.csv"


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(database, tmp_path)


def test_what_is_made_is_kept_and_delivered(office: Office) -> None:
    result = office.run(office.report(deliver=[TO_SHARE]))

    (artifact,) = office.artifacts()
    assert result == {
        "artifacts": [{"id": str(artifact.id), "output": "csv", "name": NAME, "size": artifact.size}],
        "deliveries": {"sent": 1},
    }
    assert office.kept() == [str(artifact.id)]
    assert (office.share / NAME).read_bytes() == b"\xef\xbb\xbfi\r\n0\r\n1\r\n2\r\n"
    assert (artifact.report_name, artifact.content_type, artifact.size) == ("orders", "text/csv; charset=utf-8", 15)
    assert office.staged() == []


def test_the_repeat_of_a_run_makes_and_sends_nothing_again(office: Office) -> None:
    report, run_id = office.report(deliver=[TO_SHARE]), uuid7()

    first = office.run(report, run_id=run_id)
    second = office.run(report, run_id=run_id)
    other = office.run(report)

    assert second == first
    assert other["artifacts"] != first["artifacts"]
    assert (len(office.artifacts()), len(office.deliveries())) == (2, 2)


def test_of_two_attempts_at_once_one_is_kept(office: Office) -> None:
    """One of a worker that was thought to be dead, say."""
    report, run_id = office.report(deliver=[TO_SHARE]), uuid7()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: office.run(report, run_id=run_id), range(2))

    assert first["artifacts"] == second["artifacts"]
    assert office.kept() == [first["artifacts"][0]["id"]]
    assert [(delivery.state, delivery.attempts) for delivery in office.deliveries()] == [("sent", 1)]


def test_what_a_run_did_not_come_to_sending_is_sent_by_its_repeat(office: Office) -> None:
    report, run_id = office.report(deliver=[TO_SHARE]), uuid7()

    first = office.run(report, run_id=run_id, cancelled=lambda: office.kept() != [])
    second = office.run(report, run_id=run_id)

    assert (first["deliveries"], second["deliveries"]) == ({"pending": 1}, {"sent": 1})


@pytest.mark.parametrize(
    ("second", "cancelled", "failure"),
    [
        (TABLE | {"sql": "SELECT * FROM nowhere"}, False, QueryFailed),
        (TABLE, True, Cancelled),
    ],
    ids=["query fails", "cancelled"],
)
def test_a_run_that_fails_keeps_and_sends_nothing(
    office: Office, second: dict[str, Any], cancelled: bool, failure: Any
) -> None:
    report = office.report(sections=[TABLE, second], deliver=[TO_SHARE])

    with pytest.raises(failure):
        office.run(report, cancelled=lambda: cancelled and bool(office.told))

    assert (office.artifacts(), office.deliveries(), office.kept(), office.staged()) == ([], [], [], [])


def test_one_that_is_not_there_is_said(office: Office) -> None:
    with pytest.raises(DefinitionNotFound, match="No report has the id 7"):
        office.run(7)


def test_files_of_one_run_have_names_of_their_own(office: Office) -> None:
    office.run(office.report("a/b: *c*", sections=[TABLE, TABLE | {"title": "numbers"}, TABLE | {"title": ""}]))

    assert sorted(artifact.name for artifact in office.artifacts()) == [
        "a b c - 3 2026-03-02 1200.csv",
        "a b c - Numbers 2026-03-02 1200.csv",
        "a b c - numbers 2026-03-02 1200 (2).csv",
    ]
