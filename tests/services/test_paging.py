"""Cursors: opaque, bound to their list, and harmless when somebody makes one up."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scheduler_service.errors import Invalid
from scheduler_service.services import paging

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
RUN = UUID("0198c0de-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    ("place", "kinds"),
    [((NOON, RUN), (datetime, UUID)), (("náme", 2**63 - 1), (str, int)), ((NOON, 0), (datetime, int))],
)
def test_a_cursor_says_what_it_was_told(place: tuple[Any, ...], kinds: tuple[type, ...]) -> None:
    cursor = paging.encode("list", place)

    assert paging.decode("list", cursor, kinds) == list(place)
    assert cursor.isascii()


@given(some.text(max_size=80))
def test_a_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        paging.decode("list", text, (str, int))


@pytest.mark.parametrize(
    "content",
    [
        ["list", "name"],
        ["list", "name", "1", "2"],
        ["other", "name", "1"],
        ["list", "name", -1],
        ["list", "name", "-1"],
        ["list", "name", str(2**63)],
        ["list", "a\0b", "1"],
        ["list", "\ud800", "1"],
        {"list": 1},
        "list",
        None,
    ],
)
def test_a_cursor_that_somebody_made_up_is_refused(content: Any) -> None:
    made_up = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    with pytest.raises(Invalid):
        paging.decode("list", made_up, (str, int))
