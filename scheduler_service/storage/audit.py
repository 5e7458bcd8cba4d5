"""Who changed what: one event a change, written in the transaction of the change."""

from typing import Any

from sqlalchemy.orm import Session

from scheduler_service.storage.models import AuditEvent


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    subject_type: str,
    subject_id: object,
    subject_name: str,
    changes: dict[str, tuple[Any, Any]],
) -> None:
    """Add an event. `changes` are {field: (old, new)}, as they look over the wire."""
    session.add(
        AuditEvent(
            actor=actor,
            action=action,
            subject_type=subject_type,
            subject_id=str(subject_id),
            subject_name=subject_name,
            changes={field: list(pair) for field, pair in changes.items()},
        )
    )
    session.flush()
