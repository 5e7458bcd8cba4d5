"""Making and editing a schedule: one form, which tells what it would do, and loses nothing that was typed.

What is refused is shown with a look of its own: the transaction of the attempt holds what will not be.
"""

import json
from typing import Annotated, Any, NoReturn

from fastapi import APIRouter, Query, Response

from scheduler_service.api.auth import Admin
from scheduler_service.api.dependencies import Reading, Writing
from scheduler_service.api.schedules import ScheduleId
from scheduler_service.console import conflicts
from scheduler_service.console.forms import Form
from scheduler_service.console.kinds import KINDS
from scheduler_service.console.pages import Page, SignedInPage, admins
from scheduler_service.console.schedule_acts import LOCAL_FORM
from scheduler_service.console.schedule_drafts import Draft, Schema
from scheduler_service.console.schedule_preview import tell
from scheduler_service.errors import Invalid, RevisionMismatch, ScheduleNameTaken, ServiceError
from scheduler_service.services import schedules, tasks, workers
from scheduler_service.services.calendars import calendars
from scheduler_service.services.fields import Line
from scheduler_service.services.schedule_documents import ScheduleDocument
from scheduler_service.services.timing_documents import EVENTS
from scheduler_service.storage.schedule_lists import Order, ScheduleFilter
from scheduler_service.storage.session import Session
from scheduler_service.timing import zones
from scheduler_service.timing.describe import describe_event

router = APIRouter(include_in_schema=False)

MOST_OFFERED = 200
NEAR = 20
TEMPLATE = "schedule/edit.html"


@router.get("/schedules/new", dependencies=[admins])
def new_schedule(
    page: Page,
    session: Reading,
    task: Annotated[str, Query(max_length=200)] = "",
    name: Annotated[str, Query(max_length=200)] = "",
    args: Annotated[str, Query(max_length=10_000)] = "[]",
    kwargs: Annotated[str, Query(max_length=10_000)] = "{}",
) -> Response:
    """An empty form, or one that a link filled in."""
    given: dict[str, Any] = {key: value for key, value in (("task", task.strip()), ("name", name.strip())) if value}
    given |= {"args": _json(args, []), "kwargs": _json(kwargs, {})}
    schema = _schema(session, page, task.strip())
    return page.show(TEMPLATE, **_context(session, page, Draft.blank(given, schema, page.zone), schema))


@router.post("/schedules/new")
def create_schedule(page: Page, form: Form, session: Writing, look: Reading, caller: Admin) -> Response:
    """Make it; or only show what it would do."""
    draft = Draft.typed(form)
    schema = _schema(look, page, form.text("task"))
    if form.text("do") == "preview":
        return page.show(TEMPLATE, **_context(look, page, draft, schema))
    try:
        made = schedules.create(session, draft.document(schema), actor=caller, now=page.now)
    except (Invalid, ScheduleNameTaken) as why:
        _refuse(look, page, draft, schema, why)
    return page.back(f"/schedules/{made.id}", page.say("%(name)s is made.", name=made.name))


@router.get("/schedules/{schedule_id:int}/edit", dependencies=[admins])
def edit_schedule(schedule_id: ScheduleId, page: Page, session: Reading) -> Response:
    """The form with what is there."""
    row = schedules.get(session, schedule_id)
    schema = _schema(session, page, row.task)
    draft = Draft.of(row, schema, page.zone)
    return page.show(TEMPLATE, **_context(session, page, draft, schema, schedule_id))


@router.get("/schedules/{schedule_id:int}/duplicate", dependencies=[admins])
def duplicate_schedule(schedule_id: ScheduleId, page: Page, session: Reading) -> Response:
    """The form of a new one with what is in this one."""
    row = schedules.get(session, schedule_id)
    schema = _schema(session, page, row.task)
    name = page.say("Copy of %(name)s", name=row.name)[:200]
    return page.show(TEMPLATE, **_context(session, page, Draft.copied(row, schema, page.zone, name=name), schema))


@router.post("/schedules/{schedule_id:int}/edit")
def save_schedule(
    schedule_id: ScheduleId, page: Page, form: Form, session: Writing, look: Reading, caller: Admin
) -> Response:
    """Save it over what was read; or only show what it would do."""
    draft = Draft.typed(form)
    schema = _schema(look, page, form.text("task"))
    if form.text("do") == "preview":
        return page.show(TEMPLATE, **_context(look, page, draft, schema, schedule_id))
    document: ScheduleDocument | None = None
    try:
        document = draft.document(schema)
        expected = [draft.revision] if draft.revision is not None else []
        task = schedules.replace(session, schedule_id, document, expected=expected, actor=caller, now=page.now)
    except (Invalid, ScheduleNameTaken) as why:
        _refuse(look, page, draft, schema, why, schedule_id)
    except RevisionMismatch as why:
        _show_conflict(look, page, draft, document, schema, why, schedule_id)
    said = page.say("Saved as revision %(revision)s.", revision=task.revision)
    return page.back(
        f"/schedules/{schedule_id}", said if task.revision != draft.revision else page.say("Nothing changed.")
    )


@router.post("/schedules/arguments", dependencies=[admins])
def show_arguments(page: Page, form: Form, session: Reading) -> Response:
    """The fields of the arguments of the task that was chosen, with what was typed under the same names."""
    draft = Draft.typed(form)
    schema = _schema(session, page, form.text("task"))
    return page.show("schedule/arguments.html", errors={}, **_of_task(session, page, draft, schema))


@router.get("/schedules/names")
def find_names(page: Page, session: Reading, q: Line | None = None) -> Response:
    """Names of schedules, to follow one."""
    found = schedules.search(session, ScheduleFilter(q=q), order=Order(), limit=NEAR, cursor=None)
    return page.show("schedule/names.html", names=[row.name for row in found.items])


def _refuse(
    session: Session,
    page: SignedInPage,
    draft: Draft,
    schema: Schema,
    why: Invalid | ScheduleNameTaken,
    schedule_id: int | None = None,
) -> NoReturn:
    problem: ServiceError = why
    if isinstance(why, ScheduleNameTaken):
        problem = Invalid.field("name", str(why))
    elif isinstance(why, Invalid):
        problem = draft.beside(why, schema)
    context = _context(session, page, draft, schema, schedule_id)
    del context["errors"]
    page.refuse(problem, TEMPLATE, **context)


def _show_conflict(
    session: Session,
    page: SignedInPage,
    draft: Draft,
    mine: ScheduleDocument | None,
    schema: Schema,
    why: RevisionMismatch,
    schedule_id: int,
) -> NoReturn:
    """The form again, with what both changed: nothing is lost, and what collides is chosen."""
    assert mine is not None
    both, differences = draft.against(why, mine, schema)
    context = _context(session, page, both, schema, schedule_id)
    del context["errors"]
    context["conflict"] = conflicts.told(session, "schedule", schedule_id, differences)
    page.refuse(why, TEMPLATE, **context)


def _context(
    session: Session, page: SignedInPage, draft: Draft, schema: Schema, schedule_id: int | None = None
) -> dict[str, Any]:
    """What the form is made of."""
    known = tasks.search(session, q=None, limit=MOST_OFFERED, cursor=None, now=page.now).items
    seen = workers.search(session, now=page.now, limit=MOST_OFFERED, cursor=None, total=False).items
    queues = {queue for one in seen for queue in one.worker.queues} | {one.queue for one in known if one.queue}
    listed = calendars.search(session, q=None, limit=MOST_OFFERED, cursor=None).items
    return {
        "draft": draft,
        "schedule_id": schedule_id,
        "saved_name": draft.read.get("name"),
        "errors": {},
        "conflict": None,
        "told": tell(session, page, draft, schedule_id),
        "task_names": [one.name for one in known],
        "queues": sorted(queues),
        "calendar_options": _offered([row.name for row in listed], draft.values.get("calendar", "")),
        "zone_names": sorted(zones.names()),
        "event_options": [(event, describe_event(event, page.language)) for event in EVENTS],
        "local_form": LOCAL_FORM,
        **_of_task(session, page, draft, schema),
    }


def _offered(names: list[str], chosen: str) -> list[tuple[str, str]]:
    """With the one that is chosen, though it may be another's by now."""
    every = names if not chosen or chosen in names else [*names, chosen]
    return [(name, name) for name in every]


def _of_task(session: Session, page: SignedInPage, draft: Draft, schema: Schema) -> dict[str, Any]:
    """The part of the form that is made of the task's schema."""
    task = draft.values.get("task", "").strip()
    return {
        "values": draft.values,
        "arguments": draft.arguments(schema),
        "known_task": tasks.find(session, task, now=page.now) if task else None,
        "definitions": _definitions(session, task),
    }


def _definitions(session: Session, task: str) -> dict[str, list[tuple[str, str]]]:
    """Of a task of ours, what its argument may be: id and name; none where there are too many to choose from."""
    for kind in KINDS.values():
        if kind.called.task == task:
            found = kind.services.search(session, q=None, limit=MOST_OFFERED, cursor=None)
            if found.next_cursor is None:
                return {kind.called.argument: [(str(row.id), row.name) for row in found.items]}
    return {}


def _schema(session: Session, page: SignedInPage, task: str) -> Schema:
    known = tasks.find(session, task, now=page.now) if task else None
    return known.arguments if known is not None else None


def _json(text: str, empty: Any) -> Any:
    """What a link gave; nothing, where it is not what it should be."""
    try:
        read = json.loads(text)
    except ValueError:
        return empty
    return read if isinstance(read, type(empty)) else empty
