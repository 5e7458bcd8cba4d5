"""How a reader wants to see things: language, theme, zone, keys. Kept in cookies of their browser, nowhere else."""

from functools import cache
from zoneinfo import available_timezones

from fastapi import APIRouter, Response

from scheduler_service.api.auth import GuardDep, for_viewers
from scheduler_service.console.forms import Form
from scheduler_service.console.pages import KEYS, LANGUAGE, THEME, ZONE, Page, is_secure, own_path
from scheduler_service.services import languages

router = APIRouter(include_in_schema=False)

A_YEAR = 365 * 24 * 3600


@cache
def zones() -> list[str]:
    """The zones that a reader may choose."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))


def choices() -> dict[str, tuple[str, ...]]:
    """What each cookie may hold; to hold none is a choice as well."""
    return {
        LANGUAGE: tuple(languages.TAGS),
        THEME: ("light", "dark"),
        ZONE: ("UTC", *zones()),
        KEYS: ("off",),
    }


@router.get("/preferences")
def show_preferences(page: Page) -> Response:
    """What there is to choose, and what is chosen."""
    chosen = {name: page.request.cookies.get(name, "") for name in choices()}
    return page.show("preferences/edit.html", chosen=chosen, zone_options=[(name, name) for name in choices()[ZONE]])


@router.post("/preferences", dependencies=[for_viewers])
def save_preferences(page: Page, form: Form, guard: GuardDep) -> Response:
    """Remember those that the form has."""
    response = page.back(own_path(form.text("next"), "/preferences"))
    for name, allowed in choices().items():
        if not form.has(name):
            continue
        if form.text(name) in allowed:
            secure = is_secure(page.request, guard)
            response.set_cookie(name, form.text(name), max_age=A_YEAR, samesite="lax", httponly=True, secure=secure)
        else:
            response.delete_cookie(name)
    return response
