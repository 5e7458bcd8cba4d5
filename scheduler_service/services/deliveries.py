"""Deliveries of artifacts: made with them, sent by workers, and sent again when a person asks.

The HTTP side only writes rows; a worker sends what is pending, after the report or by the built-in schedule
`deliver reports`.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pydantic import TypeAdapter

from scheduler_service.errors import DeliveryFailed, Invalid
from scheduler_service.services import manual_runs, paging
from scheduler_service.services.paging import Page
from scheduler_service.storage import artifacts, audit
from scheduler_service.storage import deliveries as stored
from scheduler_service.storage.deliveries import DeliveryFilter
from scheduler_service.storage.models import Artifact, Delivery
from scheduler_service.storage.session import Database, Session
from scheduler_service.workloads.artifact_files import ArtifactFiles
from scheduler_service.workloads.delivery.dispatches import DeliverySite, Dispatch, Letter, Parcel
from scheduler_service.workloads.delivery.sending import send
from scheduler_service.workloads.delivery.targets import Target
from scheduler_service.workloads.report.rendering import MAIL

logger = logging.getLogger(__name__)

LISTING = "delivery"
#: How long after a try that failed the next one is; after the last it has failed for good.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))
_TARGET: TypeAdapter[Any] = TypeAdapter(Target)


def search(session: Session, wanted: DeliveryFilter, *, limit: int, cursor: str | None) -> Page[Delivery]:
    """A page, newest first. Raises: Invalid, for a cursor of another list."""
    before = paging.decode(LISTING, cursor, (int,))[0] if cursor is not None else None
    rows = stored.search(session, wanted, limit=limit + 1, before=before)
    return paging.page_of(rows, limit=limit, listing=LISTING, place=lambda row: (row.id,))


def get(session: Session, delivery_id: int) -> Delivery:
    """Raises: DeliveryNotFound."""
    return stored.get(session, delivery_id)


def retry(session: Session, delivery_id: int, *, actor: str, now: datetime) -> Delivery:
    """Have it tried again now, also when it was sent already. Raises: DeliveryNotFound."""
    delivery = stored.get(session, delivery_id)
    before = delivery.state
    stored.start_over(session, delivery, now=now)
    audit.record(
        session,
        actor=actor,
        action="retry",
        subject_type="delivery",
        subject_id=delivery.id,
        subject_name=delivery.letter["report_name"],
        changes={"state": (before, delivery.state)},
    )
    _hurry(session, actor=actor, now=now)
    return delivery


def deliver(session: Session, artifact_id: UUID, target: Target, *, actor: str, now: datetime) -> list[Delivery]:
    """Have one artifact brought to somebody. Raises: ArtifactNotFound; Invalid, for a target that names outputs."""
    if target.outputs:
        raise Invalid.field("target.outputs", "belongs to a report: here it is this artifact that is delivered")
    artifact = artifacts.get(session, artifact_id)
    letter = letter_of(artifact, title=artifact.report_name, period="", language="en")
    made = rows_for(target, letter, [artifact], now=now)
    stored.add(session, made)
    audit.record(
        session,
        actor=actor,
        action="deliver",
        subject_type="artifact",
        subject_id=artifact.id,
        subject_name=artifact.name,
        changes={"target": (None, target.model_dump(mode="json"))},
    )
    _hurry(session, actor=actor, now=now)
    return made


def _hurry(session: Session, *, actor: str, now: datetime) -> None:
    """Have the built-in schedule run now; where there is none, a report's run or somebody else sends it."""
    if (sender := stored.sender(session)) is not None:
        manual_runs.trigger(session, sender, actor=actor, now=now)


def letter_of(artifact: Artifact, *, title: str, period: str, language: str) -> Letter:
    """What is said about the artifacts of its run."""
    occurrence = artifact.occurrence_at.isoformat().replace("+00:00", "Z")
    return Letter(
        title=title,
        subject=f"{title} – {artifact.occurrence_at:%Y-%m-%d}",
        period=period,
        language=language,
        report_id=artifact.report_id,
        report_name=artifact.report_name,
        run_id=str(artifact.run_id),
        occurrence_at=occurrence,
    )


def wanted_by(target: Target, made: Iterable[Artifact]) -> list[Artifact]:
    """Of what a run made, what the target names; an e-mail that names nothing has nothing attached."""
    wanted = target.outputs or (() if target.type == "email" else None)
    return [one for one in made if one.output != MAIL and (wanted is None or one.output in wanted)]


def rows_for(target: Target, letter: Letter, sent: Sequence[Artifact], *, now: datetime) -> list[Delivery]:
    """A delivery of these for each recipient of the target; all are one message."""
    if target.type == "email":
        letter = Letter(**asdict(letter) | {"subject": target.subject or letter.subject})
    shared: dict[str, Any] = {
        "run_id": UUID(letter.run_id),
        "target": target.model_dump(mode="json"),
        "letter": asdict(letter),
        "artifact_ids": [str(one.id) for one in sent],
        "message_id": uuid4().hex,
        "next_try_at": now,
    }
    recipients = dict.fromkeys(target.to) if target.type == "email" else [""]
    return [Delivery(recipient=recipient, **shared) for recipient in recipients]


def send_due(
    database: Database,
    site: DeliverySite,
    files: ArtifactFiles,
    *,
    run_id: UUID | None = None,
    go_on: Callable[[], bool] = lambda: True,
) -> Counter[str]:
    """Try each delivery that is due, of this run if one is named, once; how many of them are sent, pending, failed.

    `go_on` is asked before each: what is not come to is left for later.
    """
    outcomes: Counter[str] = Counter()
    began = database.clock.now()
    while go_on():
        with database.transaction() as session:
            claimed = stored.claim_due(session, now=began, run_id=run_id)
            if claimed is None:
                break
            attempt, delivery_id = claimed.attempts, claimed.id
            dispatch = _dispatch(session, claimed, files)
        outcome = _try(dispatch, site, attempt=attempt, now=database.clock.now())
        with database.transaction() as session:
            stored.record(session, delivery_id, attempts=attempt, **outcome)
        outcomes[outcome["state"]] += 1
        logger.info("Delivery %d was tried: %s %s", delivery_id, outcome["state"], outcome["error"] or "")
    return outcomes


def _dispatch(session: Session, delivery: Delivery, files: ArtifactFiles) -> Dispatch:
    of_run = artifacts.of_run(session, delivery.run_id)
    by_id = {str(one.id): one for one in of_run}
    mail = next((one for one in of_run if one.output == MAIL), None)
    return Dispatch(
        target=_TARGET.validate_python(delivery.target),
        recipient=delivery.recipient,
        letter=Letter.of(delivery.letter),
        message_id=delivery.message_id,
        parcels=_parcels([by_id[one] for one in delivery.artifact_ids if one in by_id], files),
        body=files.path(mail.id) if mail is not None else None,
    )


def _parcels(sent: Sequence[Artifact], files: ArtifactFiles) -> tuple[Parcel, ...]:
    names = ("output", "name", "content_type", "size", "sha256")
    return tuple(
        Parcel(id=str(one.id), path=files.path(one.id), **{name: getattr(one, name) for name in names}) for one in sent
    )


def _try(dispatch: Dispatch, site: DeliverySite, *, attempt: int, now: datetime) -> dict[str, Any]:
    """What to write of it."""
    try:
        send(dispatch, site, at=now)
    except DeliveryFailed as why:
        if why.transient and attempt <= len(WAITS):
            return {"state": "pending", "error": str(why), "next_try_at": now + WAITS[attempt - 1]}
        return {"state": "failed", "error": str(why)}
    return {"state": "sent", "error": None, "sent_at": now}
