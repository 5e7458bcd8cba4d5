"""The table of schedules: found by words and filters, sorted, turned page by page, its columns as the reader likes."""

from collections.abc import Iterable
from typing import Any, get_args

from fastapi import APIRouter, Request, Response

from scheduler_service.api.auth import GuardDep, for_viewers
from scheduler_service.api.dependencies import Reading
from scheduler_service.console.charts.strip import strip
from scheduler_service.console.forms import Form
from scheduler_service.console.pages import Page, SignedInPage, is_secure, own_path
from scheduler_service.console.preferences import A_YEAR
from scheduler_service.console.schedule_lists import PATH, WINDOWS, Asked, asked
from scheduler_service.console.when import when_text
from scheduler_service.errors import Invalid
from scheduler_service.services import schedule_tables
from scheduler_service.services.schedule_documents import Kind, OverlapPolicy
from scheduler_service.services.schedule_filters import TimingType

router = APIRouter(include_in_schema=False)

LIMIT = 50
COLUMNS = (
    "kind", "task", "when", "next", "last", "runs", "success", "late", "takes", "queue", "calendar", "tags", "changed",
    "revision",
)  # fmt: skip
USUAL = ("kind", "when", "next", "runs", "late", "takes", "queue", "tags")
CHOSEN = "scheduler_columns"


@router.get(PATH)
def list_schedules(page: Page, session: Reading) -> Response:
    """A page of the schedules that the address asks for."""
    params = page.request.query_params
    wanted = asked(params, page.reader)
    if any(not value for _, value in params.multi_items()) and not page.is_part:
        return page.go(wanted.with_())  # a form sends its empty fields too, and nobody wants them in a link
    said = wanted.said
    try:
        table = schedule_tables.table(
            session, wanted.wanted, order=wanted.order, limit=LIMIT, cursor=said.cursor, before=said.before
        )
    except Invalid:  # a link to a place in the list, from before its order was another
        return page.go(wanted.with_())
    response = page.show("schedules/list.html", table=table, **shown(page, wanted))
    if page.is_part and said.cursor is None and said.before is None:
        response.headers["HX-Push-Url"] = wanted.with_()
    return response


@router.post(PATH + "/columns", dependencies=[for_viewers])
def choose_columns(page: Page, form: Form, guard: GuardDep) -> Response:
    """Show these columns from now on, in this browser."""
    response = page.back(own_path(form.text("next"), PATH))
    if form.has("usual"):
        response.delete_cookie(CHOSEN)
    else:
        chosen = "-".join(_known(form.all("column"))) or "none"
        secure = is_secure(page.request, guard)
        response.set_cookie(CHOSEN, chosen, max_age=A_YEAR, samesite="lax", httponly=True, secure=secure)
    return response


def shown(page: SignedInPage, wanted: Asked) -> dict[str, Any]:
    """What the table's templates are given, whoever shows it."""
    return {
        "asked": wanted,
        "columns": _columns(page.request),
        "all_columns": COLUMNS,
        "windows": WINDOWS,
        "kinds": get_args(Kind),
        "timings": get_args(TimingType),
        "overlaps": get_args(OverlapPolicy),
        "strip": strip,
        "timing_text": lambda task: when_text(task, page.reader),
    }


def _columns(request: Request) -> tuple[str, ...]:
    chosen = request.cookies.get(CHOSEN)
    return USUAL if chosen is None else _known(chosen.split("-"))


def _known(names: Iterable[str]) -> tuple[str, ...]:
    """Those that there are, in their order."""
    chosen = set(names)
    return tuple(name for name in COLUMNS if name in chosen)
