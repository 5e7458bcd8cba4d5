"""Collect tasks, pipelines and reports: listed, written, copied, run and deleted, all three alike.

What one is shows its own page: `collect_tasks`, `pipelines`, `reports`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Query as FromQuery

from scheduler_service.api.definitions import DefinitionId, DefinitionQuery
from scheduler_service.api.dependencies import Now, Reading, WarehouseDep, Writing
from scheduler_service.console import conflicts
from scheduler_service.console.briefs import brief
from scheduler_service.console.drafts import Draft, Fault
from scheduler_service.console.forms import Form
from scheduler_service.console.kinds import Kind, KindDep, TablesDep
from scheduler_service.console.outcomes import outcome_of, took
from scheduler_service.console.pages import Page, SignedInPage, Undo, admins, operators
from scheduler_service.errors import Conflict as Conflicting
from scheduler_service.errors import Invalid, Malformed, NotFound, RevisionMismatch
from scheduler_service.services import definition_uses, documents, manual_runs
from scheduler_service.services.definition_uses import Usage
from scheduler_service.services.definitions import DefinitionDocument
from scheduler_service.services.yaml_documents import written
from scheduler_service.storage.models import Definition
from scheduler_service.storage.session import Session

router = APIRouter(include_in_schema=False)

EDITOR = "work/edit.html"


@dataclass(frozen=True)
class Shown:
    """A definition, and what became of it; `document` is None for one that was written past us, `wrong` says how."""

    kind: Kind
    row: Any
    document: DefinitionDocument | None
    wrong: list[str]
    usage: Usage

    def context(self) -> dict[str, Any]:
        """For its page."""
        return {**vars(self), "outcome_of": outcome_of, "took": took}


def shown(session: Session, kind: Kind, definition_id: int) -> Shown:
    """What every page of a definition tells. Raises: DefinitionNotFound."""
    row: Definition = kind.services.get(session, definition_id)
    usage = definition_uses.usage_of(session, kind.called, definition_id)
    try:
        document = documents.read(
            kind.document, {"name": row.name, "description": row.description, "definition": row.definition}
        )
    except Invalid as why:
        return Shown(kind, row, None, [f"{one.field}: {one.reason}" for one in why.problems], usage)
    return Shown(kind, row, document, [], usage)


@router.get("/work/{place}")
def list_definitions(
    page: Page, kind: KindDep, query: Annotated[DefinitionQuery, FromQuery()], session: Reading
) -> Response:
    """Those of one kind by name, with what runs each and what became of it last."""
    found = kind.services.search(session, q=query.q, limit=query.limit, cursor=query.cursor)
    uses = definition_uses.by_definition(session, kind.called, [row.id for row in found.items])
    asked = query.model_dump(exclude_unset=True)
    return page.show(
        "work/list.html", kind=kind, found=found, uses=uses, query=asked, brief=brief, outcome_of=outcome_of
    )


@router.get("/work/{place}/new", dependencies=[admins])
def new_definition(page: Page, kind: KindDep, session: Reading, copy: int | None = None) -> Response:
    """The editor, with an example in it, or with a copy of another."""
    draft = Draft(text=kind.starter) if copy is None else Draft.copied(kind.services.get(session, copy), kind.document)
    return page.show(EDITOR, problem=None, errors={}, **_editing(kind, draft, None))


@router.post("/work/{place}", dependencies=[admins])
def create_definition(
    page: Page, kind: KindDep, form: Form, tables: TablesDep, warehouse: WarehouseDep, session: Writing
) -> Response:
    """Make one, as the form says."""
    draft = Draft.typed(form)
    with _shown_again(session, page, kind, draft, None):
        check = kind.checked(session, warehouse, tables, None)
        document = draft.document(kind.document)
        row = kind.services.create(session, document, actor=page.identity.actor, check=check)
    return page.back(f"{kind.path}/{row.id}", page.say("Created %(name)s.", name=row.name))


@router.post("/work/{place}/check", dependencies=[admins])
def check_definition(
    page: Page, kind: KindDep, form: Form, tables: TablesDep, warehouse: WarehouseDep, session: Reading
) -> Response:
    """What the text would do, or what is wrong with it; nothing is saved."""
    draft, saved = Draft.typed(form), form.text("id")
    replaced = int(saved[:18]) if saved.isascii() and saved.isdigit() else None
    template = "work/looked.html" if page.is_part else EDITOR
    try:
        document = replace(draft, name=draft.name or kind.name).document(kind.document)  # it may get its name last
        kind.checked(session, warehouse, tables, replaced)(document)
    except (Invalid, Malformed) as problem:
        editing = _editing(kind, draft, replaced, faults=draft.faults(problem))
        return page.show(template, problem=problem, errors={}, **editing)
    return page.show(template, problem=None, errors={}, **_editing(kind, draft, replaced, document=document))


@router.get("/work/{place}/{definition_id:int}/edit", dependencies=[admins])
def edit_definition(page: Page, kind: KindDep, definition_id: DefinitionId, session: Reading) -> Response:
    """The editor, with what is there."""
    found = shown(session, kind, definition_id)
    return page.show(
        EDITOR,
        problem=None,
        errors={},
        **_editing(kind, Draft.of(found.row, kind.document), definition_id, document=found.document),
    )


@router.post("/work/{place}/{definition_id:int}", dependencies=[admins])
def replace_definition(
    page: Page,
    kind: KindDep,
    definition_id: DefinitionId,
    form: Form,
    tables: TablesDep,
    warehouse: WarehouseDep,
    session: Writing,
) -> Response:
    """Make it what the form says, unless somebody else saved since it was opened."""
    draft = Draft.typed(form)
    with _shown_again(session, page, kind, draft, definition_id):
        check = kind.checked(session, warehouse, tables, definition_id)
        row = kind.services.replace(
            session,
            definition_id,
            draft.document(kind.document),
            expected=[draft.revision or 0],
            actor=page.identity.actor,
            check=check,
        )
    return page.back(f"{kind.path}/{row.id}", page.say("Saved %(name)s.", name=row.name))


@router.post("/work/{place}/{definition_id:int}/delete", dependencies=[admins])
def delete_definition(page: Page, kind: KindDep, definition_id: DefinitionId, session: Writing) -> Response:
    """Delete one that no schedule runs. The toast can make it again, under another id."""
    draft = Draft.of(kind.services.get(session, definition_id), kind.document)
    kind.services.delete(session, definition_id, expected=None, actor=page.identity.actor)
    undo = Undo(kind.path, {"name": draft.name, "description": draft.description, "definition": draft.text})
    return page.back(kind.path, page.say("Deleted %(name)s.", name=draft.name), undo)


@router.post("/work/{place}/{definition_id:int}/run", dependencies=[operators])
def run_definition(
    page: Page, kind: KindDep, definition_id: DefinitionId, form: Form, session: Writing, now: Now
) -> Response:
    """Have one of the schedules that run it do so now, with all of its options."""
    used = {str(use.schedule.id): use.schedule for use in shown(session, kind, definition_id).usage.uses}
    schedule = used.get(form.text("schedule_id"))
    if schedule is None:
        raise NotFound("No schedule of that id runs it, or not any more.")
    manual_runs.trigger(session, schedule.id, actor=page.identity.actor, now=now)
    said = page.say("%(name)s runs as soon as a worker is free.", name=schedule.name)
    return page.back(f"{kind.path}/{definition_id}", said)


@router.get("/work/{place}/{definition_id:int}/runs")
def show_runs(page: Page, kind: KindDep, definition_id: DefinitionId, session: Reading) -> Response:
    """Its last runs alone, for a page that keeps itself up to date."""
    return page.show("work/runs.html", **shown(session, kind, definition_id).context())


@contextmanager
def _shown_again(
    session: Session, page: SignedInPage, kind: Kind, draft: Draft, definition_id: int | None
) -> Iterator[None]:
    """What is refused comes back as it was typed, each fault on its line."""
    try:
        yield
    except RevisionMismatch as newer:
        assert definition_id is not None
        both, found = draft.against(newer, kind.document)
        noun = kind.services.stored.noun.replace(" ", "_")
        told = conflicts.told(session, noun, definition_id, found.differences, written)
        page.refuse(newer, EDITOR, **_editing(kind, both, definition_id, conflict=told | {"lines": found}))
    except (Invalid, Malformed, Conflicting) as problem:
        faults = draft.faults(problem)
        page.refuse(problem, EDITOR, **_editing(kind, draft, definition_id, faults=faults))


def _editing(
    kind: Kind,
    draft: Draft,
    definition_id: int | None,
    *,
    document: DefinitionDocument | None = None,
    faults: list[Fault] | None = None,
    conflict: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """For the editor."""
    given = {"kind": kind, "draft": draft, "definition_id": definition_id, "document": document}
    return given | {"faults": faults or [], "conflict": conflict}
