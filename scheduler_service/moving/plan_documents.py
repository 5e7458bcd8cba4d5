"""A plan for programs, as JSON, and for a browser, as one page that needs nothing else."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from scheduler_service.moving.planning import MovePlan, Planned
from scheduler_service.moving.proof import Proof
from scheduler_service.moving.translation import Note
from scheduler_service.moving.trigger_words import in_words
from scheduler_service.services.fields import wire_instant

_PAGES = Environment(
    loader=PackageLoader("scheduler_service.moving", "."),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def document_of_plan(plan: MovePlan) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "source": plan.source,
        "kind": plan.kind,
        "made_at": wire_instant(plan.made_at),
        "counts": plan.counts,
        "jobs": [_document(planned) for planned in plan.jobs],
    }


def page_of_plan(plan: MovePlan) -> str:
    """The plan as HTML."""
    return _PAGES.get_template("plan.html").render(plan=document_of_plan(plan))


def _document(planned: Planned) -> dict[str, Any]:
    document = planned.document
    return {
        "id": planned.job.id,
        "name": planned.name,
        "function": planned.job.function,
        "standing": planned.standing,
        "was": in_words(planned.job.trigger),
        "becomes": planned.becomes,
        "schedule": None if document is None else document.model_dump(mode="json", exclude_unset=True),
        "to_map": list(planned.translation.wanted),
        "notes": [_note(note) for note in planned.translation.notes],
        "losses": [_note(note) for note in planned.translation.losses],
        "proof": None if planned.proof is None else _proof(planned.proof),
    }


def _note(note: Note) -> dict[str, str]:
    return {"code": note.code, "text": note.text, "remedy": note.remedy}


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "equal": proof.is_equal,
        "explained": proof.is_explained,
        "why_not": proof.why_not,
        "rows": [
            {"old": wire_instant(row.old), "new": wire_instant(row.new), "reason": row.reason} for row in proof.rows
        ],
    }
