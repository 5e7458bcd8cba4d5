"""A page: who reads it, how it is made from its template, and how it answers what was posted.

`Page` is for those who are signed in, `OpenPage` for everybody. What a template shows of times and numbers is `words`.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import get_timezone_location
from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from scheduler_service.api.auth import GuardDep, Visiting, for_admins, for_operators, own_origin
from scheduler_service.api.dependencies import Now
from scheduler_service.api.health import VERSION
from scheduler_service.api.own_paths import own_path as own_path
from scheduler_service.api.problems import STATUS
from scheduler_service.console import sentences, words
from scheduler_service.console.assets import Assets
from scheduler_service.console.charts.ruler import ruler
from scheduler_service.console.words import Reader
from scheduler_service.errors import ServiceError
from scheduler_service.services import languages
from scheduler_service.services.languages import Language
from scheduler_service.services.overview import Outlook
from scheduler_service.services.roles import ROLES, Identity, Role

TEMPLATES = Path(__file__).parent / "templates"
LANGUAGE, THEME, KEYS = "scheduler_language", "scheduler_theme", "scheduler_keys"
#: The zone that the reader chose, and the one that their browser is in, which a script tells.
ZONE, OWN_ZONE = "scheduler_zone", "scheduler_own_zone"
SAID, LARGEST_SAID = "scheduler_said", 3500  # bytes; a cookie may have 4096
HTMX = "HX-Request"
Theme = Literal["light", "dark"]

#: For the decorator of a route that takes more than reading.
operators, admins = for_operators, for_admins


@dataclass(frozen=True)
class Undo:
    """How what was done is undone: a form that the toast posts."""

    action: str
    fields: dict[str, str]


class Refused(Exception):
    """A form that is shown again, with what is wrong with it. Raised, so that nothing of the transaction stays."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class OpenPage:
    """A page that anybody may see."""

    identity: Identity | None = None
    csrf_token = ""

    def __init__(self, request: Request, now: Now) -> None:
        self.request, self.now = request, now
        self.reader = Reader(_language(request), _zone(request), now)
        self.is_part = HTMX in request.headers and "HX-History-Restore-Request" not in request.headers

    @property
    def language(self) -> Language:
        return self.reader.language

    @property
    def tag(self) -> str:
        """The language as HTML names it."""
        return languages.TAGS[self.language]

    @property
    def zone(self) -> ZoneInfo:
        return self.reader.zone

    @property
    def theme(self) -> Theme | None:
        """What the reader chose; None: what their system says."""
        chosen = self.request.cookies.get(THEME)
        return chosen if chosen in ("light", "dark") else None  # type: ignore[return-value]

    @property
    def has_keys(self) -> bool:
        """Whether single letters do something."""
        return self.request.cookies.get(KEYS) != "off"

    @property
    def path(self) -> str:
        """Where it is, with its query."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    @property
    def zone_name(self) -> str:
        """The reader's zone by its city, with how far it is from UTC."""
        offset = self.now.astimezone(self.zone).strftime("%z")
        hours, minutes = f"{int(offset[:3]):+}", offset[3:]
        ahead = "" if offset == "+0000" else hours.replace("-", "−") + (f":{minutes}" if minutes != "00" else "")
        return self.say("%(city)s, UTC%(ahead)s", city=self._city, ahead=ahead) if self.zone.key != "UTC" else "UTC"

    @property
    def _city(self) -> str:
        """By which the reader's zone is known, in their language."""
        if self.zone.key.startswith("Etc/") or "/" not in self.zone.key:
            return self.zone.key.rpartition("/")[2]
        place = str(get_timezone_location(self.zone, locale=words.LOCALES[self.language], return_city=True))
        return place.rpartition("/")[2]

    @property
    def role_name(self) -> str:
        """The reader's role in words."""
        names = {"viewer": self.say("viewer"), "operator": self.say("operator"), "admin": self.say("admin")}
        return names[self.identity.role] if self.identity else ""

    @property
    def noun(self) -> str:
        """The first part of its path: what it is about."""
        return self.request.url.path.split("/")[1]

    @property
    def said(self) -> dict[str, Any] | None:
        """What the last page did, to be told once."""
        return _read_said(self.request.cookies.get(SAID))

    def can(self, role: Role) -> bool:
        """Whether the reader has this role, or a higher one."""
        return self.identity is not None and ROLES.index(self.identity.role) >= ROLES.index(role)

    def say(self, text: str, **values: object) -> str:
        """The text in the reader's language."""
        return self.reader.say(text, **values)

    def say_many(self, one: str, many: str, count: int, **values: object) -> str:
        """The text for so many."""
        return self.reader.say_many(one, many, count, **values)

    def text(self, template: str, **context: Any) -> str:
        """What the template makes of this."""
        environment: Environment = self.request.app.state.templates
        with words.read_by(self.reader):
            return environment.get_template(template).render(page=self, **context)

    def pieces(self, template: str, **context: Any) -> Iterator[str]:
        """The same, piece by piece as it is made: for a page that tells of something while it goes on."""
        environment: Environment = self.request.app.state.templates
        made = environment.get_template(template).generate(page=self, **context)
        while True:
            with words.read_by(self.reader):  # each piece may be made by another thread
                piece = next(made, None)
            if piece is None:
                return
            yield piece

    def show(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A page, or a part of one."""
        response = HTMLResponse(self.text(template, **context), status, {"Vary": "Cookie, Accept-Language, HX-Request"})
        if SAID in self.request.cookies and not self.is_part:
            response.delete_cookie(SAID, httponly=True, samesite="lax")
        return response

    def back(self, url: str, said: str | None = None, undo: Undo | None = None) -> Response:
        """Go on to a page of ours after something was done, which it tells once."""
        response = self.go(url)
        if said is not None:
            response.set_cookie(SAID, _written_said(said, undo), max_age=60, httponly=True, samesite="lax")
        return response

    def go(self, url: str) -> Response:
        """Go to another page."""
        where = quote(own_path(url), safe="/?&=%#:+,;@!$'()*~[]")
        return Response(headers={"HX-Redirect": where}) if self.is_part else RedirectResponse(where, 303)

    def refuse(self, problem: ServiceError, template: str, **context: Any) -> NoReturn:
        """Show the form again: `problem` is what is wrong, `errors` has a sentence for each bad field."""
        status = next(STATUS[kind] for kind in type(problem).__mro__ if kind in STATUS)
        errors = {found.field: found.reason for found in getattr(problem, "problems", ())}
        raise Refused(self.show(template, status=status, problem=problem, errors=errors, **context))


class SignedInPage(OpenPage):
    """A page for somebody who is known."""

    identity: Identity

    def __init__(self, request: Request, now: Now, visit: Visiting) -> None:
        super().__init__(request, now)
        self.identity, self.csrf_token = visit.identity, visit.csrf_token or ""

    @property
    def outlook(self) -> Outlook:
        """What needs somebody, and what is planned."""
        found: Outlook = self.request.app.state.outlook
        return found

    @property
    def ruler(self) -> str:
        """The day around now."""
        return ruler(self.reader, self.outlook.past(), self.outlook.plan())


Page = Annotated[SignedInPage, Depends()]
AnyPage = Annotated[OpenPage, Depends()]


def environment(assets: Assets) -> Environment:
    """The templates, and what they may call."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        auto_reload=False,
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: words.reading().said(text),
        lambda one, many, count: words.reading().said_many(one, many, count),
        newstyle=True,
    )
    shown = {name: _asking_reader(name) for name in ("instant", "moment", "day", "span", "number", "ago", "spelled")}
    made.filters |= shown | {"said": sentences.said, "told": sentences.told}
    made.globals |= shown | {"url": url, "asset": assets.url, "version": VERSION}
    return made


def url(path: str, **query: Any) -> str:
    """A path with a query; what is None or empty is left out, and a list is each of its values."""
    asked = {name: value for name, value in query.items() if value not in (None, "", [], ())}
    return f"{path}?{urlencode(asked, doseq=True)}" if asked else path


def is_secure(request: Request, guard: GuardDep) -> bool:
    """Whether browsers reach us by TLS."""
    return own_origin(request, guard).startswith("https:")


def _asking_reader(name: str) -> Any:
    def shown(value: Any, **options: Any) -> Any:
        return getattr(words.reading(), name)(value, **options)

    return shown


def _language(request: Request) -> Language:
    chosen = request.cookies.get(LANGUAGE)
    if chosen in languages.TAGS:
        return chosen
    return languages.chosen(request.headers.get("accept-language"))


def _zone(request: Request) -> ZoneInfo:
    for name in (request.cookies.get(ZONE), request.cookies.get(OWN_ZONE)):
        if name in available_timezones():
            return ZoneInfo(name)
    return ZoneInfo("UTC")


def _written_said(said: str, undo: Undo | None) -> str:
    told = json.dumps({"said": said, "undo": undo and vars(undo)}).encode()
    if len(told) > LARGEST_SAID * 3 // 4:
        told = json.dumps({"said": said[:500], "undo": None}).encode()
    return base64.urlsafe_b64encode(told).decode()


def _read_said(cookie: str | None) -> dict[str, Any] | None:
    """Whoever can set cookies could set this one: it may name a form of ours, and nothing else."""
    try:
        told = json.loads(base64.urlsafe_b64decode(cookie or ""))
        undo = told["undo"]
        if undo is not None and (own_path(undo["action"], "") == "" or not isinstance(undo["fields"], dict)):
            undo = None
        return {"said": str(told["said"]), "undo": undo}
    except (ValueError, TypeError, KeyError):
        return None
