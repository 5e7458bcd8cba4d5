"""What routes ask for: a transaction, the time, the warehouse, what the caller expects and reads, how to answer."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Header, Request, Response

from scheduler_service.services import languages
from scheduler_service.services.broker_look import Broker
from scheduler_service.services.languages import Language
from scheduler_service.services.revisions import Expected, Unsaid
from scheduler_service.storage import audit
from scheduler_service.storage.session import Database, Session, store_errors
from scheduler_service.workloads.connections import Connections
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.warehouses import AnyWarehouse

EDITING_METHODS = ("PUT", "PATCH", "DELETE")
_ETAG = re.compile(r'\s*"?([0-9]{1,18})"?\s*')


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _warehouse(request: Request) -> AnyWarehouse:
    warehouse: AnyWarehouse = request.app.state.warehouse
    return warehouse


def _connections(request: Request) -> Connections:
    connections: Connections = request.app.state.connections
    return connections


def _places(request: Request) -> ReportPlaces:
    places: ReportPlaces = request.app.state.report_places
    return places


def _broker(request: Request) -> Broker:
    broker: Broker = request.app.state.broker
    return broker


def _reading(database: "DatabaseDep") -> Iterator[Session]:
    with database.reading() as session:
        yield session


def _source(request: Request) -> str:
    """The address that the caller has."""
    return request.client.host if request.client is not None else ""


def _writing(database: "DatabaseDep", source: "Source") -> Iterator[Session]:
    with database.transaction() as session:
        audit.comes_from(session, source)
        yield session


def _now(database: "DatabaseDep") -> datetime:
    with store_errors():
        return database.clock.now()


def _expected(
    request: Request,
    if_match: Annotated[
        str | None, Header(description='The ETag that was read, such as "3"; when it is another by now: 412')
    ] = None,
) -> Expected:
    """The revisions that If-Match names; None for none sent, or for any. A weak tag never matches."""
    if if_match is None and request.app.state.require_if_match and request.method in EDITING_METHODS:
        return Unsaid.UNSAID
    if if_match is None or if_match.strip() == "*":
        return None
    found = (_ETAG.fullmatch(part) for part in if_match.split(","))
    return [int(match[1]) for match in found if match]


def _language(
    response: Response,
    accept_language: Annotated[
        str | None, Header(description="English, or with zh (zh-CN, zh-Hans) Chinese, for `timing_text`")
    ] = None,
) -> Language:
    """The language for the caller; the answer says which it is, and that it depends on the header."""
    language = languages.chosen(accept_language)
    response.headers["Content-Language"] = languages.TAGS[language]
    response.headers["Vary"] = "Accept-Language"
    return language


class Tagged(Protocol):
    """A body that has a revision."""

    revision: int


class Created(Protocol):
    """A body that has an id."""

    @property
    def id(self) -> object: ...


T = TypeVar("T", bound=Tagged)
C = TypeVar("C", bound=Created)
S = TypeVar("S")


class Answer:
    """The headers of the answer to a request."""

    def __init__(self, request: Request, response: Response) -> None:
        self._request, self._response = request, response

    def tagged(self, body: T) -> T:
        """With the revision as ETag."""
        self._response.headers["ETag"] = f'"{body.revision}"'
        return body

    def located(self, body: C, *, under: str) -> C:
        """With the place of what was made."""
        root = self._request.scope.get("root_path", "")
        self._response.headers["Location"] = f"{root}{under}/{body.id}"
        return body

    def secret(self, body: S) -> S:
        """With a body that nothing on the way may keep."""
        self._response.headers["Cache-Control"] = "no-store"
        return body


DatabaseDep = Annotated[Database, Depends(_database)]
Source = Annotated[str, Depends(_source)]
PlacesDep = Annotated[ReportPlaces, Depends(_places)]
BrokerDep = Annotated[Broker, Depends(_broker)]
WarehouseDep = Annotated[AnyWarehouse, Depends(_warehouse)]
ConnectionsDep = Annotated[Connections, Depends(_connections)]
#: With scope "function" the commit comes before the answer, so a failed one is told.
Writing = Annotated[Session, Depends(_writing, scope="function")]
Reading = Annotated[Session, Depends(_reading, scope="function")]
Now = Annotated[datetime, Depends(_now)]
Reader = Annotated[Language, Depends(_language)]
IfMatch = Annotated[Expected, Depends(_expected)]
Answering = Annotated[Answer, Depends()]
