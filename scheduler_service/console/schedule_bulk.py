"""One deed on the schedules that a reader selected: asked about first, with what it would do, and done when they agree.

The question holds the ids that it is about, so what is done is what was agreed to, whatever fits the filter by then. It
holds a number of its own as well: sent twice, it is done once.
"""

from collections.abc import Iterator
from hashlib import sha256
from re import split
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from starlette.datastructures import QueryParams

from scheduler_service.api.bulk import NEEDED
from scheduler_service.api.dependencies import DatabaseDep, Source
from scheduler_service.console.forms import FilledIn, Form
from scheduler_service.console.pages import Page, SignedInPage, Undo, operators, own_path
from scheduler_service.console.schedule_lists import PATH, asked
from scheduler_service.errors import FieldProblem, Invalid, ServiceError
from scheduler_service.services import bulk, documents, idempotency
from scheduler_service.services.bulk import Action, BulkDocument, Deed, Item
from scheduler_service.services.fields import LARGEST_WHOLE
from scheduler_service.services.idempotency import Answer, Batch, Keyed
from scheduler_service.storage.schedule_lists import ScheduleFilter
from scheduler_service.storage.session import Database

router = APIRouter(prefix=f"{PATH}/bulk", include_in_schema=False)

NAMED = 5
MOST_TOLD = 200
MOST_UNDONE = 300  # ids that fit into a cookie
UNDONE_BY: dict[Action, Action] = {"pause": "resume", "tag": "untag", "untag": "tag"}
#: Which takes a word of the reader's before anybody can tell what it would do.
TAGGING = ("tag", "untag")


@router.post("/{action}/ask", dependencies=[operators])
def ask_first(action: Action, page: Page, form: Form, database: DatabaseDep) -> Response:
    """What it would do to which schedules, and what it needs to know."""
    page.identity.acting_as(NEEDED.get(action, "admin"))
    ids = selected(database, form, page)
    if not ids:
        return page.back(_next(form), page.say("No schedule was selected."))
    return page.show(_template(page), **_question(database, action, ids, page, form), problem=None, errors={})


@router.post("/{action}", dependencies=[operators])
def act(action: Action, page: Page, form: Form, database: DatabaseDep, source: Source) -> Response:
    """Do it; of many, tell how far it is while it goes on."""
    actor = page.identity.acting_as(NEEDED.get(action, "admin"))
    ids = ticked(form)
    try:
        document = _document(action, ids, form, page)
    except Invalid as problem:
        page.refuse(problem, _template(page), **_question(database, action, ids, page, form))
    keyed = _keyed(form, action, actor)
    begun = idempotency.begin_batch(database, keyed, now=page.now)
    if isinstance(begun, Answer):
        return page.back(_next(form), begun.body)
    told = Telling(page, database, Deed(document, actor, source, begun), keyed)
    if len(ids) > bulk.CHUNK:
        return StreamingResponse(_pieces(page, told, form), media_type="text/html")
    return _told(page, told, form)


def selected(database: Database, form: FilledIn, page: SignedInPage) -> list[int]:
    """The schedules that a table's form means: one by its own button, all that match, or those that are ticked."""
    if form.has("all") and not form.text("ids"):
        return bulk.fitting(database, matching(form, page))
    return ticked(form)


def ticked(form: FilledIn) -> list[int]:
    """The schedules that a form names one by one."""
    return ids_in(split(r"[,\s]+", form.text("ids"))) or ids_in(form.all("id"))


def matching(form: FilledIn, page: SignedInPage) -> ScheduleFilter:
    """What the table was narrowed to when the form was sent."""
    return asked(QueryParams(form.text("query").removeprefix("?")), page.reader).wanted


class Telling:
    """What becomes of the schedules, told while it is done."""

    def __init__(self, page: SignedInPage, database: Database, deed: Deed, keyed: Keyed) -> None:
        self.action, self.total = deed.document.action, len(deed.document.ids or ())
        self.changed: list[int] = []
        self.failed: list[Item] = []
        self.unchanged = 0
        self.broken: str | None = None
        self._page, self._database, self._deed, self._keyed = page, database, deed, keyed

    @property
    def done(self) -> int:
        """How many have been looked at."""
        return len(self.changed) + self.unchanged + len(self.failed)

    @property
    def sentence(self) -> str:
        """What was done, in words."""
        said = _said(self._page, self.action, len(self.changed))
        if self.unchanged:
            text = "%(count)s was so already.", "%(count)s were so already."
            said += " " + self._page.say_many(*text, self.unchanged)
        if self.failed:
            said += " " + self._page.say_many("%(count)s could not be.", "%(count)s could not be.", len(self.failed))
        return said

    def __iter__(self) -> Iterator["Telling"]:
        try:
            with idempotency.given_back(self._database, self._keyed, now=self._page.now):
                for items in bulk.steps(self._database, self._deed):
                    self._count(items)
                    yield self
                idempotency.finish_batch(self._database, self._keyed, Answer(200, {}, self.sentence))
        except ServiceError as why:  # the page has begun: it can only tell
            self.broken = str(why)

    def _count(self, items: list[Item]) -> None:
        self.changed += [item.id for item in items if item.outcome == "changed"]
        self.failed += [item for item in items if item.outcome == "failed"]
        self.unchanged += sum(item.outcome == "unchanged" for item in items)


def _told(page: SignedInPage, told: Telling, form: FilledIn) -> Response:
    for _ in told:
        pass
    if told.failed or told.broken:
        return page.show("schedules/done.html", **_result(told, form))
    return page.back(_next(form), told.sentence, _undo(told, form))


def _pieces(page: SignedInPage, told: Telling, form: FilledIn) -> Iterator[str]:
    return page.pieces("schedules/done.html", **_result(told, form))


def _result(told: Telling, form: FilledIn) -> dict[str, Any]:
    return {"told": told, "most": MOST_TOLD, "next": _next(form)}


def _question(database: Database, action: Action, ids: list[int], page: SignedInPage, form: FilledIn) -> dict[str, Any]:
    """What the question's template is given: by a dry run, what would become of each."""
    items: list[Item] = []
    if action not in TAGGING and ids:
        document = BulkDocument(action=action, ids=ids, dry_run=True)
        batch = Batch(uuid4(), page.now)
        items = bulk.perform(database, Deed(document, page.identity.actor, "", batch))
    meant = [item.id for item in items if item.outcome == "changed"] if items else ids
    failed = [item for item in items if item.outcome == "failed"]
    return {
        "action": action,
        "ids": sorted([*meant, *(item.id for item in failed)]),  # those that are so already stay as they are
        "meant": meant,
        "failed": failed,
        "unchanged": sum(item.outcome == "unchanged" for item in items),
        "first": bulk.some_of(database, meant, limit=NAMED),
        "once": form.text("once") or str(uuid4()),
        "next": _next(form),
        "typed": form.typed(),
        "most": MOST_TOLD,
    }


def _document(action: Action, ids: list[int], form: FilledIn, page: SignedInPage) -> BulkDocument:
    """Raises: Invalid, naming what the reader has to say."""
    given: dict[str, Any] = {"action": action, "ids": ids}
    problems: list[FieldProblem] = []
    if action == "pause":
        given["reason"] = form.text("reason")
        if not given["reason"]:
            problems.append(FieldProblem("reason", page.say("Say why: whoever finds it paused will ask.")))
    if action in TAGGING:
        given["tags"] = [tag for tag in map(str.strip, split(r"[,，\n]", form.text("tags"))) if tag]
        if not given["tags"]:
            problems.append(FieldProblem("tags", page.say("Name one tag, or several with commas between.")))
    if action == "delete" and len(ids) > 1 and form.text("count") != str(len(ids)):
        problems.append(FieldProblem("count", page.say("Type %(n)s: that is how many would go.", n=len(ids))))
    if problems:
        raise Invalid(problems)
    try:
        return documents.read(BulkDocument, given)
    except Invalid as why:  # the form has one field for all tags
        raise Invalid([FieldProblem(found.field.partition(".")[0], found.reason) for found in why.problems]) from None


def _keyed(form: FilledIn, action: Action, actor: str) -> Keyed:
    """What makes a form be taken once."""
    said = "\n".join([action, *(form.text(name) for name in ("ids", "reason", "tags"))])
    return Keyed(actor, f"console {form.text('once') or uuid4()}"[:200], sha256(said.encode()).hexdigest())


def _undo(told: Telling, form: FilledIn) -> Undo | None:
    undone_by = UNDONE_BY.get(told.action)
    if undone_by is None or not 0 < len(told.changed) <= MOST_UNDONE:
        return None
    fields = {"ids": ",".join(map(str, told.changed)), "next": _next(form)}
    return Undo(f"{PATH}/bulk/{undone_by}", fields | ({"tags": form.text("tags")} if told.action in TAGGING else {}))


def _said(page: SignedInPage, action: Action, count: int) -> str:
    match action:
        case "pause":
            return page.say_many("%(count)s schedule is paused.", "%(count)s schedules are paused.", count)
        case "resume":
            return page.say_many("%(count)s schedule goes on.", "%(count)s schedules go on.", count)
        case "trigger":
            return page.say_many("%(count)s run was started.", "%(count)s runs were started.", count)
        case "delete":
            return page.say_many("%(count)s schedule was deleted.", "%(count)s schedules were deleted.", count)
        case "tag":
            return page.say_many("%(count)s schedule was tagged.", "%(count)s schedules were tagged.", count)
        case "untag":
            return page.say_many(
                "The tag was taken from %(count)s schedule.", "The tag was taken from %(count)s schedules.", count
            )


def ids_in(said: list[str]) -> list[int]:
    """Those that are ids, once each and in order."""
    found = {int(text) for text in said if text.isascii() and text.isdigit() and len(text) < 20}
    return sorted(one for one in found if 1 <= one <= LARGEST_WHOLE)


def _next(form: FilledIn) -> str:
    return own_path(form.text("next"), PATH)


def _template(page: SignedInPage) -> str:
    return "schedules/question.html" if page.is_part else "schedules/ask.html"
