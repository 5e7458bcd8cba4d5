"""Who changed what."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from scheduler_service.api.dependencies import Reading
from scheduler_service.console import changes, when
from scheduler_service.console.changes import Changed
from scheduler_service.console.pages import Page, SignedInPage
from scheduler_service.services import audit
from scheduler_service.storage.audit import AuditFilter
from scheduler_service.storage.models import AuditEvent

router = APIRouter(include_in_schema=False)

WORDS = ("actor", "action", "source", "subject_type", "subject_id")
INSTANTS = ("since", "until")
LIMIT = 50
FEW, LONG = 6, 400  # fields, and letters, that are shown unfolded
LONGEST = 200


@router.get("/system/audit")
def list_audit(page: Page, session: Reading) -> Response:
    """Changes, newest first, each with what it changed."""
    wanted, query, problems = _asked(page)
    cursor = page.request.query_params.get("cursor") or None
    found = audit.search(session, wanted, limit=LIMIT, cursor=cursor, total=False)
    shown: dict[str, Any] = {
        "query": query,
        "problems": problems,
        "cursor": cursor,
        "words": WORDS,
        "instants": INSTANTS,
    }
    return page.show("system/audit.html", found=found, folded=_folded, changed=_changed, place_of=_place_of, **shown)


def _asked(page: SignedInPage) -> tuple[AuditFilter, dict[str, str], dict[str, str]]:
    """The filter, what of the address says it, and what in that could not be understood."""
    params = page.request.query_params
    typed = {name: params.get(name, "").replace("\0", "").strip()[:LONGEST] for name in (*WORDS, *INSTANTS)}
    query = {name: value for name, value in typed.items() if value}
    instants, problems = when.read_all(query, INSTANTS, page)
    wanted: dict[str, Any] = instants | {name: query[name] for name in WORDS if name in query}
    return AuditFilter(**wanted), query, problems


def _changed(event: AuditEvent) -> list[Changed]:
    """What it changed, in full, without what nobody set."""
    return [one for one in changes.changed(event.changes, None) if one.old is not None or one.new is not None]


def _folded(differing: list[Changed]) -> bool:
    """Whether it would push the others away."""
    return len(differing) > FEW or sum(len(one.old or "") + len(one.new or "") for one in differing) > LONG


#: Where what was changed has its page.
PLACES: Mapping[str, str] = {
    "schedule": "/schedules/",
    "run": "/runs/",
    "backfill": "/backfills/",
    "calendar": "/system/calendars/",
    "collect_task": "/work/collect-tasks/",
    "pipeline": "/work/pipelines/",
    "report": "/work/reports/",
}


def _place_of(subject_type: str, subject_id: str) -> str | None:
    """None for what has no page."""
    return PLACES[subject_type] + subject_id if subject_type in PLACES else None
