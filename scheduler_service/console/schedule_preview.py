"""What an edit would do, told as one types: when it comes, what moves, what the clocks and the calendar make of it."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from scheduler_service.api.auth import for_viewers
from scheduler_service.api.dependencies import Reading
from scheduler_service.console.forms import Form
from scheduler_service.console.pages import Page, SignedInPage
from scheduler_service.console.schedule_drafts import Draft
from scheduler_service.console.schedule_fields import when_of
from scheduler_service.errors import Invalid, NotFound
from scheduler_service.services import chain_uses, documents, edit_effects
from scheduler_service.services.edit_effects import Effect
from scheduler_service.services.previews import PreviewDocument
from scheduler_service.services.timing_documents import words_of_following
from scheduler_service.storage.session import Session

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Told:
    """What the side of the form tells. `effect` is None where it follows others, or where something is wrong."""

    words: str = ""
    effect: Effect | None = None
    wrong: tuple[tuple[str, str], ...] = ()


@router.post("/schedules/preview", dependencies=[for_viewers])
def preview_schedule(page: Page, form: Form, session: Reading) -> Response:
    """What would come of the form as it is; nothing is stored."""
    said = form.text("schedule_id")
    schedule_id = int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else None
    told = tell(session, page, Draft.typed(form), schedule_id)
    return page.show("schedule/effect.html", told=told, values=form.typed())


def tell(session: Session, page: SignedInPage, draft: Draft, schedule_id: int | None) -> Told:
    """What would come of the draft."""
    try:
        return _told(session, page, draft, schedule_id)
    except Invalid as why:
        found = draft.beside(why, None).problems
        return Told(wrong=tuple((one.field, one.reason) for one in found))
    except NotFound:  # somebody deleted it meanwhile
        return _told(session, page, draft, None)


def _told(session: Session, page: SignedInPage, draft: Draft, schedule_id: int | None) -> Told:
    when: dict[str, Any] = when_of(draft.values)
    if when["timing"] is None:
        names = when["after"]
        if not names:
            raise Invalid.field("after", page.say("Name at least one schedule."))
        chain_uses.named(session, names)
        return Told(words_of_following(names, page.language))
    del when["after"]
    jitter = draft.values.get("jitter_seconds", "").strip() or "0"
    when["jitter_seconds"] = int(jitter) if jitter.isascii() and jitter.isdecimal() and len(jitter) < 12 else jitter
    document = documents.read(PreviewDocument, when | {"schedule_id": schedule_id})
    allow_past = bool(when["timing"].get("allow_past"))
    effect = edit_effects.of_edit(session, document, allow_past=allow_past, now=page.now, language=page.language)
    return Told(effect.preview.timing_text, effect)
