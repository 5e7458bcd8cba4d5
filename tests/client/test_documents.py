"""The documents of the client are those of the OpenAPI document: neither has a field that the other does not."""

from typing import Any

import pytest

from scheduler_service.client import ClientError, documents
from scheduler_service.client.documents import Document

COMPONENTS: dict[type[Document], str] = {
    documents.Schedule: "ScheduleOut",
    documents.CalendarUse: "CalendarUsed",
    documents.Occurrence: "OccurrenceOut",
    documents.Preview: "NextOut",
    documents.Run: "RunOut",
    documents.Attempt: "AttemptOut",
    documents.RunDetail: "RunDetailOut",
    documents.Backfill: "BackfillDetailOut",
    documents.BackfillProposal: "ProposalOut",
    documents.BulkResult: "BulkOut",
    documents.BulkItem: "ItemOut",
    documents.ImportPlan: "ImportOut",
    documents.ChangedSchedule: "ChangedOut",
    documents.Stats: "StatsOut",
    documents.Distribution: "SpreadOut",
    documents.Task: "TaskOut",
    documents.Worker: "WorkerOut",
    documents.AuditEvent: "AuditEventOut",
    documents.Key: "KeyOut",
    documents.NewKey: "NewKeyOut",
    documents.Me: "MeOut",
}


@pytest.fixture
def components(openapi: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = openapi["components"]["schemas"]
    return found


@pytest.mark.parametrize("kind", COMPONENTS, ids=lambda kind: kind.__name__)
def test_a_document_has_the_fields_of_the_api(components: dict[str, Any], kind: type[Document]) -> None:
    described = components[COMPONENTS[kind]]["properties"]

    assert set(kind.model_fields) == set(described)


def test_every_document_is_compared() -> None:
    of_requests = {documents.Document, documents.Page, documents.ScheduleFields}
    kinds = {kind for kind in vars(documents).values() if isinstance(kind, type) and issubclass(kind, Document)}

    assert kinds - of_requests == set(COMPONENTS)


def test_what_people_set_is_what_may_be_sent(components: dict[str, Any]) -> None:
    described = set(components["ScheduleDocument"]["properties"])

    assert set(documents.ScheduleFields.model_fields) == described - {"allow_unknown_task"}  # said, but not kept


def test_a_field_of_a_newer_service_is_kept() -> None:
    came = {"items": [], "timing_text": "every day", "moon_phase": "full"}

    assert documents.Preview.of(came).as_json() == came


def test_what_is_no_such_document_is_not_repeated() -> None:
    with pytest.raises(ClientError, match="role") as refused:
        documents.NewKey.of({"id": 1, "name": "ci", "key": "sk_secret"})

    assert "sk_secret" not in str(refused.value)
