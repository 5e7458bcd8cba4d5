"""How to get from one page to the next, in the five ways that APIs have. It always ends.

A short page is no sign of the end (many sources cap the size that was asked for), so numbered pages go on until one
is empty. A cursor or URL that comes twice, or a page equal to the one before, means that the source is going round in
circles: reading stops there.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from scheduler_service.errors import RequestRefused
from scheduler_service.workloads.collect import definitions as d
from scheduler_service.workloads.collect.bodies import Finder
from scheduler_service.workloads.collect.fetching import joined, shown

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Page:
    """One answer, read."""

    url: httpx.URL
    headers: httpx.Headers
    body: Any
    records: list[Any]


class Pager(Protocol):
    """Knows the first URL, and the one after a page; None at the end."""

    def first(self) -> httpx.URL: ...

    def after(self, page: Page) -> httpx.URL | None: ...


class Single:
    """One page has it all."""

    def __init__(self, base: httpx.URL) -> None:
        self._base = base

    def first(self) -> httpx.URL:
        return self._base

    def after(self, page: Page) -> httpx.URL | None:  # noqa: ARG002  the others look at it
        return None


class Numbered(Single):
    """Page 1, page 2, …"""

    def __init__(self, base: httpx.URL, paging: d.PagePaging) -> None:
        sized = paging.size_param and paging.size
        super().__init__(base.copy_merge_params({str(paging.size_param): paging.size}) if sized else base)
        self._param, self._number = paging.param, paging.start

    def first(self) -> httpx.URL:
        return self._base.copy_merge_params({self._param: self._number})

    def after(self, page: Page) -> httpx.URL | None:
        if not page.records:
            return None
        self._number += 1
        return self.first()


class Skipping(Single):
    """From record 0, from record 100, …; goes on by what came, not by what was asked for."""

    def __init__(self, base: httpx.URL, paging: d.OffsetPaging) -> None:
        super().__init__(base.copy_merge_params({paging.size_param: paging.size}))
        self._param, self._offset = paging.param, 0

    def first(self) -> httpx.URL:
        return self._base.copy_merge_params({self._param: self._offset})

    def after(self, page: Page) -> httpx.URL | None:
        if not page.records:
            return None
        self._offset += len(page.records)
        return self.first()


class Pointed(Single):
    """The body holds the next cursor."""

    def __init__(self, base: httpx.URL, paging: d.CursorPaging) -> None:
        super().__init__(base)
        self._param, self._next = paging.param, Finder(paging.next)

    def after(self, page: Page) -> httpx.URL | None:
        cursor = self._next.first(page.body)
        if cursor in (None, "", False) or not isinstance(cursor, str | int | float):
            return None
        return self._base.copy_merge_params({self._param: cursor})


class Linked(Single):
    """The Link header holds the next URL."""

    def after(self, page: Page) -> httpx.URL | None:
        links = httpx.Response(200, headers=page.headers).links
        target = links.get("next", {}).get("url")
        return joined(page.url, target) if target else None


class Named(Single):
    """The body holds the next URL."""

    def __init__(self, base: httpx.URL, paging: d.NextUrlPaging) -> None:
        super().__init__(base)
        self._next = Finder(paging.next)

    def after(self, page: Page) -> httpx.URL | None:
        target = self._next.first(page.body)
        return joined(page.url, target) if isinstance(target, str) and target else None


def pager_for(paging: d.Paging, base: httpx.URL) -> Pager:
    """The pager that a definition asks for."""
    match paging:
        case d.PagePaging():
            return Numbered(base, paging)
        case d.OffsetPaging():
            return Skipping(base, paging)
        case d.CursorPaging():
            return Pointed(base, paging)
        case d.NextUrlPaging():
            return Named(base, paging)
        case d.LinkPaging():
            return Linked(base)
        case d.NoPaging():
            return Single(base)


def walk(pager: Pager, get: Callable[[httpx.URL], Page]) -> Iterator[Page]:
    """Every page, in order, each once."""
    url: httpx.URL | None = pager.first()
    seen: set[httpx.URL] = set()
    before: Page | None = None
    while url is not None:
        if url in seen:
            logger.warning("paging stopped: %s named a page that was read already", shown(url))
            return
        seen.add(url)
        page = _page_or_end(pager, url, get, is_first=before is None)
        if page is None:
            return
        if before is not None and page.records and page.records == before.records:
            logger.warning("paging stopped: %s gave the page before once more", shown(url))
            return
        yield page
        before, url = page, pager.after(page)


def _page_or_end(pager: Pager, url: httpx.URL, get: Callable[[httpx.URL], Page], *, is_first: bool) -> Page | None:
    """Some sources say 404 to the page number after their last."""
    try:
        return get(url)
    except RequestRefused as refused:
        if refused.status == 404 and isinstance(pager, Numbered) and not is_first:
            return None
        raise
