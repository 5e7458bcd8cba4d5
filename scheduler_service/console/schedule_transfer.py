"""Schedules as a file: out, those that are selected or all that match; in again, with a look at what it would do."""

import json
from dataclasses import replace
from hashlib import sha256
from re import split
from typing import Any

from fastapi import APIRouter, Response

from scheduler_service.api.auth import for_viewers
from scheduler_service.api.dependencies import DatabaseDep, Reading
from scheduler_service.api.transfer import MEDIA_TYPES
from scheduler_service.console.changes import changed
from scheduler_service.console.forms import FilledIn, Form
from scheduler_service.console.pages import Page, SignedInPage, admins
from scheduler_service.console.schedule_bulk import matching, ticked
from scheduler_service.console.schedule_lists import PATH
from scheduler_service.errors import Conflict, Invalid, Malformed
from scheduler_service.services import transfer
from scheduler_service.services.transfer import Plan, Wish
from scheduler_service.services.transfer_documents import Format, TransferDocument, read
from scheduler_service.storage.session import Database, Session

router = APIRouter(include_in_schema=False)

TEMPLATE = "schedules/import.html"
MOST_SHOWN = 200


@router.post(PATH + "/export", dependencies=[for_viewers])
def export_schedules(page: Page, form: Form, session: Reading) -> Response:
    """A file of the schedules that are ticked, or else of all that match."""
    language, ids = _language(form.text("format")), ticked(form)
    if ids and not form.has("all"):
        content = transfer.export_some(session, ids, language)
    else:
        content = transfer.export(session, matching(form, page), language)
    name = f"schedules-{page.now.astimezone(page.zone):%Y%m%d-%H%M}.{language}"
    saved = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=MEDIA_TYPES[language], headers=saved)


@router.get(PATH + "/import", dependencies=[admins])
def ask_for_file(page: Page) -> Response:
    """Where a file is pasted, or chosen."""
    return page.show(TEMPLATE, typed={}, plan=None, problem=None, errors={}, found=())


@router.post(PATH + "/import", dependencies=[admins])
def import_schedules(page: Page, form: Form, database: DatabaseDep) -> Response:
    """Show what a file would do; and do it, once the reader has seen exactly that."""
    language = _language(form.text("format"))
    wish = Wish(False, form.has("prune"), _tags(form), form.has("allow_unknown_task"))
    try:
        plan, done = _brought(database, page, read(form.text("document").encode(), language), wish, form.text("agreed"))
    except (Invalid, Malformed, Conflict) as problem:
        found = getattr(problem, "problems", ())
        page.refuse(problem, TEMPLATE, typed=form.typed(), plan=None, found=found)
    if done:
        return page.back(PATH, _said(page, plan))
    moved = bool(form.text("agreed"))
    shown: dict[str, Any] = {
        "plan": plan,
        "agreed": _digest(plan),
        "moved": moved,
        "most": MOST_SHOWN,
        "changed": changed,
    }
    return page.show(TEMPLATE, typed=form.typed(), problem=None, errors={}, found=(), **shown)


class _Moved(Exception):
    """What the file would do by now is something else than the reader agreed to."""


def _brought(
    database: Database, page: SignedInPage, document: TransferDocument, wish: Wish, agreed: str
) -> tuple[Plan, bool]:
    """The plan, and whether it was carried out: only if it is the one that was agreed to."""

    def bring(session: Session, wish: Wish) -> Plan:
        return transfer.bring(session, document, wish, actor=page.identity.actor, now=page.now)

    if agreed:
        try:
            with database.transaction() as session:
                plan = bring(session, wish)
                if _digest(plan) != agreed:
                    raise _Moved
                return plan, True
        except _Moved:
            pass
    with database.reading() as session:
        return bring(session, replace(wish, dry_run=True)), False


def _digest(plan: Plan) -> str:
    """What two plans have in common that do the same."""
    created = [wanted.model_dump(mode="json") for wanted in plan.created]
    changed = {edit.task.name: edit.changes for edit in plan.changed}
    said = json.dumps([created, changed, [task.name for task in plan.pruned]], sort_keys=True, default=str)
    return sha256(said.encode()).hexdigest()


def _said(page: SignedInPage, plan: Plan) -> str:
    counts = {"created": len(plan.created), "changed": len(plan.changed)}
    told = page.say("Imported: %(created)s new, %(changed)s changed", **counts)
    return f"{told}, {page.say('%(n)s deleted', n=len(plan.pruned))}." if plan.pruned else f"{told}."


def _language(said: str) -> Format:
    return "json" if said == "json" else "yaml"


def _tags(form: FilledIn) -> tuple[str, ...]:
    return tuple(tag for tag in map(str.strip, split(r"[,，]", form.text("tags"))) if tag)
