"""Keys and people: who may come in, who is in, and showing somebody out."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from scheduler_service.api.auth import GuardDep
from scheduler_service.api.dependencies import Reading, Writing
from scheduler_service.console.forms import Form
from scheduler_service.console.pages import Page, admins
from scheduler_service.errors import Invalid, KeyNameTaken
from scheduler_service.services import documents, keys, people
from scheduler_service.services.fields import Id, wire_instant
from scheduler_service.services.keys import KeyDocument
from scheduler_service.services.roles import ROLES

router = APIRouter(include_in_schema=False)

KeyId = Annotated[Id, Path()]
SessionId = Annotated[Id, Path()]
LIMIT = 100
#: For how many days a key may be asked for; none: until it is revoked.
LASTS = (30, 90, 365)


@router.get("/system/keys", dependencies=[admins])
def list_keys(page: Page, session: Reading, guard: GuardDep, cursor: str | None = None) -> Response:
    """Keys, revoked ones too, and who is signed in."""
    found = keys.search(session, limit=LIMIT, cursor=cursor)
    there = people.search(session, idle=guard.rules.idle, now=page.now, limit=LIMIT, cursor=None)
    return page.show("system/keys.html", found=found, people=there, cursor=cursor)


@router.get("/system/keys/new", dependencies=[admins])
def new_key(page: Page) -> Response:
    """The form for one."""
    return page.show("system/key_form.html", problem=None, errors={}, **_form({}))


@router.post("/system/keys", dependencies=[admins])
def create_key(page: Page, form: Form, session: Writing) -> Response:
    """Make one. This page alone shows the key itself, once: it is not gone on from, and nothing keeps it."""
    days = form.text("days")
    lasts = int(days) if days in map(str, LASTS) else None
    wanted = {"name": form.text("name"), "role": form.text("role")}
    if lasts is not None:
        wanted["expires_at"] = wire_instant(page.now + timedelta(days=lasts)) or ""
    try:
        made, key = keys.create(session, documents.read(KeyDocument, wanted), actor=page.identity.actor, now=page.now)
    except (Invalid, KeyNameTaken) as problem:
        page.refuse(problem, "system/key_form.html", **_form(form.typed()))
    return page.show("system/key_made.html", made=made, key=key)


@router.post("/system/keys/{key_id:int}/revoke", dependencies=[admins])
def revoke_key(page: Page, key_id: KeyId, session: Writing) -> Response:
    """Let it, and the sessions opened with it, open nothing any more."""
    keys.revoke(session, key_id, actor=page.identity.actor, now=page.now)
    return page.back("/system/keys", page.say("The key is revoked."))


@router.post("/system/sessions/{session_id:int}/end", dependencies=[admins])
def end_session(page: Page, session_id: SessionId, session: Writing) -> Response:
    """Show somebody out of the console; a key that they have lets them in again."""
    whose = people.end(session, session_id, actor=page.identity.actor)
    return page.back("/system/keys", page.say("The session of %(whose)s is ended.", whose=whose))


def _form(typed: dict[str, str]) -> dict[str, Any]:
    return {"typed": typed, "roles": ROLES, "lasts": LASTS}
