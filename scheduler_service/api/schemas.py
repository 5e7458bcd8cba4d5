"""What queries ask and answers say, beyond the documents that `services` reads."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from scheduler_service.services.fields import Document, JsonList, JsonObject, Reason, Truth
from scheduler_service.services.fields import Word as Word  # exported: queries are made of it
from scheduler_service.services.paging import DEFAULT_LIMIT, LARGEST_PAGE, Page

T = TypeVar("T")
Row = TypeVar("Row")


class Query(BaseModel):
    """An unknown parameter is a mistake, and not a filter that finds everything."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=LARGEST_PAGE)
    cursor: Annotated[str, StringConstraints(max_length=2000)] | None = Field(
        default=None, description="`next_cursor` of the page before"
    )


class CountedQuery(Query):
    """Of a list that can be counted."""

    total: bool = Field(default=False, description="Also count all that match: the page has `total`")


class PageOut(BaseModel, Generic[T]):
    """Some of a list, and where to go on: null at the end."""

    items: list[T]
    next_cursor: str | None
    total: int | None = Field(
        default=None, exclude_if=lambda count: count is None, description="All that match, where it was asked for"
    )

    @classmethod
    def of(cls, page: Page[Row], make: Callable[[Row], T]) -> "PageOut[T]":
        """The page with its rows as they look over the wire."""
        return PageOut(items=[make(row) for row in page.items], next_cursor=page.next_cursor, total=page.total)


class PauseRequest(Document):
    """Why; shown to whoever wonders."""

    reason: Reason | None = None


class TriggerRequest(Document):
    """Arguments in place of the schedule's."""

    args: JsonList | None = None
    kwargs: JsonObject | None = None


class CancelRequest(Document):
    """How a run is ended."""

    terminate: Truth = Field(
        default=False, description="Terminate its process when it does not end by itself within ten seconds"
    )


MergePatch = dict[str, Any]
