"""What routes ask for: a transaction, the time, the warehouse, what the caller expects and reads, how to answer."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Header, Request, Response

from scheduler_service.services import languages
from scheduler_service.services.languages import Language
from scheduler_service.services.revisions import Expected
from scheduler_service.storage.session import Database, Session, store_errors
from scheduler_service.workloads.warehouse import Warehouse

_ETAG = re.compile(r'\s*"?([0-9]{1,18})"?\s*')


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _warehouse(request: Request) -> Warehouse:
    warehouse: Warehouse = request.app.state.warehouse
    return warehouse


def _reading(database: "DatabaseDep") -> Iterator[Session]:
    with database.reading() as session:
        yield session


def _writing(database: "DatabaseDep") -> Iterator[Session]:
    with database.transaction() as session:
        yield session


def _now(database: "DatabaseDep") -> datetime:
    with store_errors():
        return database.clock.now()


def _expected(
    if_match: Annotated[
        str | None, Header(description='The ETag that was read, such as "3"; when it is another by now: 412')
    ] = None,
) -> Expected:
    """The revisions that If-Match names; None for none sent, or for any. A weak tag never matches."""
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


DatabaseDep = Annotated[Database, Depends(_database)]
WarehouseDep = Annotated[Warehouse, Depends(_warehouse)]
#: With scope "function" the commit comes before the answer, so a failed one is told.
Writing = Annotated[Session, Depends(_writing, scope="function")]
Reading = Annotated[Session, Depends(_reading, scope="function")]
Now = Annotated[datetime, Depends(_now)]
Reader = Annotated[Language, Depends(_language)]
IfMatch = Annotated[Expected, Depends(_expected)]
Answering = Annotated[Answer, Depends()]
