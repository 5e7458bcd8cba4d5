"""A JSON API: its pages, its records, and what it may not do."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from scheduler_service.errors import (
    AddressRefused,
    Cancelled,
    ColumnsAmbiguous,
    ConnectionUnknown,
    NotJson,
    RecordsNotFound,
    RequestRefused,
    ResponseTooLarge,
    SourceUnreachable,
    TimeLimitReached,
    TooManyColumns,
    TooManyRows,
    UrlRefused,
)
from scheduler_service.workloads.collect.definitions import HttpSource
from scheduler_service.workloads.collect.http_places import Place as SourcePlace
from scheduler_service.workloads.connections import BearerAuth, HttpConnection
from tests.workloads.collects import Place
from tests.workloads.web import Answer, Asked, Web

ONE_TRY = {"attempts": 1}


def an_api(web: Web, path: str = "/things", **more: Any) -> dict[str, Any]:
    return {"type": "http", "url": web.url + path, "retry": ONE_TRY, **more}


def ids(*numbers: int) -> list[dict[str, int]]:
    return [{"id": number} for number in numbers]


def by(param: str, pages: dict[str | None, Any]) -> Callable[[Asked], Answer]:
    return lambda asked: Answer(pages.get(asked.params.get(param), []))


@pytest.mark.on_each_warehouse
def test_records_land_with_types(place: Place, web: Web) -> None:
    web.answer(
        "/things",
        Answer(
            [
                {"id": 1, "price": 1, "ok": True, "at": "2026-03-01T10:00:00+01:00", "who": {"a": [1]}, "code": "007"},
                {"id": 2, "price": 2.5, "ok": None, "at": "2026-03-01T10:00:00.25Z", "who": None, "code": "8"},
            ]
        ),
    )

    outcome = place.collect(an_api(web))

    assert (outcome.rows_read, outcome.rows_written, outcome.pages) == (2, 2, 1)
    assert place.types() == {
        "id": "BIGINT",
        "price": "DOUBLE",
        "ok": "BOOLEAN",
        "at": "TIMESTAMP WITH TIME ZONE",
        "who": "JSON",
        "code": "VARCHAR",
    }
    assert place.rows() == [
        {"id": 1, "price": 1.0, "ok": True, "at": "2026-03-01T09:00:00Z", "who": {"a": [1]}, "code": "007"},
        {"id": 2, "price": 2.5, "ok": None, "at": "2026-03-01T10:00:00.250000Z", "who": None, "code": "8"},
    ]


@pytest.mark.parametrize(
    ("values", "type_", "kept"),
    [
        pytest.param([1, "a"], "VARCHAR", ["1", "a"], id="numbers and texts are text"),
        pytest.param([True, 1], "VARCHAR", ["true", "1"], id="truths and numbers are text"),
        pytest.param([1, {"a": 1}], "JSON", [1, {"a": 1}], id="what is nested is JSON"),
        pytest.param([2**63, 1], "VARCHAR", [str(2**63), "1"], id="a number too large for an integer"),
        pytest.param(
            ["2026-03-01T10:00:00Z", "soon"], "VARCHAR", ["2026-03-01T10:00:00Z", "soon"], id="one no instant"
        ),
        pytest.param(["2026-02-30T10:00:00Z"], "VARCHAR", ["2026-02-30T10:00:00Z"], id="no real date"),
        pytest.param(["a\0b", "\ud800"], "VARCHAR", ["a\0b", "?"], id="odd characters"),
        pytest.param([1e300 * 1e10, 1.0], "DOUBLE", [None, 1.0], id="an infinite number is no value"),
    ],
)
def test_a_field_has_the_type_that_all_its_values_share(
    place: Place, web: Web, values: list[Any], type_: str, kept: list[Any]
) -> None:
    web.answer("/things", Answer([{"v": value} for value in values]))

    place.collect(an_api(web))

    assert place.types() == {"v": type_}
    assert place.column("v") == kept


@pytest.mark.parametrize(
    ("body", "records", "expected"),
    [
        pytest.param(ids(1, 2), "$", [1, 2], id="a list"),
        pytest.param(ids(1, 2), "$[*]", [1, 2], id="the list's members"),
        pytest.param({"id": 1}, "$", [1], id="one object"),
        pytest.param({"data": {"items": ids(1)}}, "$.data.items", [1], id="a list inside"),
        pytest.param({"groups": [{"items": ids(1)}, {"items": ids(2)}]}, "$.groups[*].items", [1, 2], id="many lists"),
        pytest.param({"items": []}, "$.items[*]", [], id="none"),
        pytest.param({"groups": []}, "$.groups[*].items[*]", [], id="none, further up"),
        pytest.param({"items": None}, "$.items", [], id="null"),
    ],
)
def test_records_are_found_by_their_path(place: Place, web: Web, body: Any, records: str, expected: list[int]) -> None:
    web.answer("/things", Answer(body))

    outcome = place.collect(an_api(web, records=records))

    assert outcome.rows_read == len(expected)
    assert (place.column("id") if expected else []) == expected


def test_a_path_that_leads_nowhere_fails_and_tells_what_is_there(place: Place, web: Web) -> None:
    web.answer("/things", Answer({"data": ids(1), "total": 1}))

    with pytest.raises(RecordsNotFound, match=r"nothing at \$\.items in its answer; it has data, total"):
        place.collect(an_api(web, records="$.items"))


@pytest.mark.parametrize(
    "paging",
    [
        pytest.param({"type": "page", "param": "p", "start": 0, "size_param": "n", "size": 2}, id="page"),
        pytest.param({"type": "offset", "param": "p", "size_param": "n", "size": 2}, id="offset"),
    ],
)
def test_numbered_pages_are_read_until_one_is_empty(place: Place, web: Web, paging: dict[str, Any]) -> None:
    step = 1 if paging["type"] == "page" else 2
    web.serve("/things", by("p", {"0": ids(1, 2), str(step): ids(3), str(2 * step - (step - 1)): ids(4)}))

    outcome = place.collect(an_api(web, paging=paging, params={"kind": "x"}))

    assert place.column("id") == [1, 2, 3, 4]
    assert outcome.pages == 4
    assert all(asked.params["n"] == "2" and asked.params["kind"] == "x" for asked in web.asked)


def test_a_404_after_the_last_numbered_page_is_the_end(place: Place, web: Web) -> None:
    web.serve(
        "/things",
        lambda asked: Answer(ids(int(asked.params["page"]))) if asked.params["page"] < "3" else Answer({}, 404),
    )

    place.collect(an_api(web, paging={"type": "page"}))

    assert place.column("id") == [1, 2]


def test_a_cursor_in_the_body_leads_on(place: Place, web: Web) -> None:
    web.serve(
        "/things",
        by("after", {None: {"items": ids(1), "next": "b"}, "b": {"items": [], "next": 7}, "7": {"items": ids(3)}}),
    )

    place.collect(an_api(web, records="$.items", paging={"type": "cursor", "param": "after", "next": "$.next"}))

    assert place.column("id") == [1, 3]


def test_a_link_header_leads_on(place: Place, web: Web) -> None:
    web.serve(
        "/things",
        lambda asked: (
            Answer(ids(2))
            if "p" in asked.params
            else Answer(ids(1), headers={"Link": '</things?p=2>; rel="next", </things?p=9>; rel="last"'})
        ),
    )

    place.collect(an_api(web, paging={"type": "link"}))

    assert place.column("id") == [1, 2]


def test_a_url_in_the_body_leads_on(place: Place, web: Web) -> None:
    web.serve("/things", by("p", {None: {"items": ids(1), "next": f"{web.url}/things?p=2"}, "2": {"items": ids(2)}}))

    place.collect(an_api(web, records="$.items", paging={"type": "next_url", "next": "$.next"}))

    assert place.column("id") == [1, 2]


@pytest.mark.parametrize(
    ("paging", "pages"),
    [
        pytest.param(
            {"type": "page"}, {None: [], "1": {"items": ids(1)}, "2": {"items": ids(1)}}, id="the page before"
        ),
        pytest.param(
            {"type": "cursor", "next": "$.next"},
            {None: {"items": ids(1), "next": "b"}, "b": {"items": ids(2), "next": "b"}},
            id="the same cursor",
        ),
        pytest.param(
            {"type": "next_url", "next": "$.next"},
            {None: {"items": ids(1), "next": "?cursor=b"}, "b": {"items": ids(2), "next": "/things"}},
            id="the first URL",
        ),
    ],
)
def test_going_round_in_circles_ends(place: Place, web: Web, paging: dict[str, Any], pages: dict[Any, Any]) -> None:
    web.serve("/things", by(str(paging.get("param", {"page": "page"}.get(paging["type"], "cursor"))), pages))

    place.collect(an_api(web, records="$.items", paging=paging))

    assert place.column("id") in ([1], [1, 2])
    assert len(web.asked) <= 3


def test_more_rows_than_allowed_load_none(place: Place, web: Web) -> None:
    web.serve(
        "/things", lambda asked: Answer(ids(*range(int(asked.params["page"]) * 10, int(asked.params["page"]) * 10 + 5)))
    )

    with pytest.raises(TooManyRows, match="max_rows = 12"):
        place.collect(an_api(web, paging={"type": "page"}), max_rows=12)

    assert place.names() == []
    assert place.staged() == []


def test_what_the_source_refuses_is_told_without_secrets(place: Place, web: Web) -> None:
    place.site = replace(
        place.site,
        connections={
            "crm": HttpConnection(url=f"{web.url}/v1", auth=BearerAuth(type="bearer", token=SecretStr("s3cr3t-token")))
        },
    )
    web.answer("/v1/things", Answer(b"no access for s3cr3t-token at /v1/things?key=hidden " + b"x" * 1000, 403))
    source = {"type": "http", "connection": "crm", "path": "/things", "params": {"key": "hidden"}}

    with pytest.raises(
        RequestRefused, match=r"/v1/things answered 403: no access for \*\*\* at /v1/things\?…"
    ) as caught:
        place.collect(source)

    assert "s3cr3t" not in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert len(str(caught.value)) < 350
    assert len(web.asked) == 1


def test_a_named_connection_brings_its_token_and_may_be_private(place: Place, web: Web) -> None:
    place.site = replace(
        place.site,
        outbound_allow=(),
        connections={
            "crm": HttpConnection(url=f"{web.url}/v1/", auth=BearerAuth(type="bearer", token=SecretStr("s3cr3t")))
        },
    )
    web.answer("/v1/things", Answer(ids(1)))

    place.collect({"type": "http", "connection": "crm", "path": "things", "headers": {"X-Kind": "a"}})

    assert web.asked[0].headers["authorization"] == "Bearer s3cr3t"
    assert web.asked[0].headers["x-kind"] == "a"
    with pytest.raises(AddressRefused):
        place.collect({"type": "http", "url": f"{web.url}/v1/things"})
    with pytest.raises(ConnectionUnknown, match="'erp'"):
        place.collect({"type": "http", "connection": "erp", "path": "things"})


def test_a_connection_may_be_an_ipv6_address(place: Place) -> None:
    connections = {"crm": HttpConnection(url="http://[::1]:9/v1")}

    assert SourcePlace.of(HttpSource(type="http", connection="crm"), connections).allow == ("[::1]:9",)


def test_a_redirect_to_another_origin_leaves_the_token_behind(place: Place, web: Web, elsewhere: Web) -> None:
    place.site = replace(
        place.site,
        connections={"crm": HttpConnection(url=web.url, auth=BearerAuth(type="bearer", token=SecretStr("s3cr3t")))},
    )
    web.answer("/moved", Answer(status=307, headers={"Location": "/here"}))
    web.answer("/here", Answer(status=302, headers={"Location": f"{elsewhere.url}/there"}))
    elsewhere.answer("/there", Answer(ids(1)))

    place.collect({"type": "http", "connection": "crm", "path": "moved", "headers": {"X-Kind": "a"}})

    assert [asked.headers.get("authorization") for asked in web.asked] == ["Bearer s3cr3t"] * 2
    assert not {"authorization", "x-kind"} & set(elsewhere.asked[0].headers)
    assert place.column("id") == [1]


@pytest.mark.parametrize(
    ("target", "error"),
    [
        pytest.param("http://169.254.169.254/latest/meta-data", AddressRefused, id="metadata"),
        pytest.param("http://localhost:1/", AddressRefused, id="localhost"),
        pytest.param("http://[::ffff:127.0.0.1]:1/", AddressRefused, id="mapped"),
        pytest.param("file:///etc/passwd", UrlRefused, id="a file"),
        pytest.param("ftp://example.org/", UrlRefused, id="ftp"),
        pytest.param("http://user:secret@example.org/", UrlRefused, id="credentials"),
        pytest.param("/things", UrlRefused, id="itself, for ever"),
    ],
)
def test_a_redirect_is_checked_like_the_first_request(
    place: Place, web: Web, target: str, error: type[Exception]
) -> None:
    web.answer("/things", Answer(status=302, headers={"Location": target}))

    with pytest.raises(error) as caught:
        place.collect(an_api(web))

    assert "secret" not in str(caught.value)
    assert len(web.asked) <= 6


def test_the_next_page_is_checked_like_the_first(place: Place, web: Web) -> None:
    web.answer("/things", Answer({"items": ids(1), "next": "http://10.0.0.1/"}))

    with pytest.raises(AddressRefused):
        place.collect(an_api(web, records="$.items", paging={"type": "next_url", "next": "$.next"}))

    assert place.names() == []


def test_what_is_not_json_fails_with_its_beginning(place: Place, web: Web) -> None:
    web.answer("/things", Answer(b"<html><h1>Sign in</h1>"))

    with pytest.raises(NotJson, match="did not answer with JSON, but with: <html><h1>Sign in"):
        place.collect(an_api(web))


def test_a_body_that_unpacks_to_too_much_is_cut_off(place: Place, web: Web) -> None:
    web.answer("/things", Answer(gzip.compress(b" " * (80 * 2**20)), headers={"Content-Encoding": "gzip"}))

    with pytest.raises(ResponseTooLarge, match="more than 67108864 bytes"):
        place.collect(an_api(web))


def test_a_body_without_end_is_cut_off(place: Place, web: Web) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 2**20

    web.serve("/things", lambda _: Answer(pieces=endless()))

    with pytest.raises(ResponseTooLarge):
        place.collect(an_api(web))


def test_a_server_that_drips_is_given_up_in_time(place: Place, web: Web) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(40):
            yield b" "
            time.sleep(0.05)

    web.serve("/things", lambda _: Answer(pieces=drip()))
    began = time.monotonic()

    with pytest.raises(SourceUnreachable, match=r"the time for one request is up|timed out"):
        place.collect(an_api(web, timeout_seconds=0.3))

    assert time.monotonic() - began < 1.5


def test_the_time_limit_ends_a_source_without_end(place: Place, web: Web) -> None:
    web.serve("/things", lambda asked: Answer(ids(int(asked.params["page"]))))

    with pytest.raises(TimeLimitReached, match=r"time limit of 0\.3 s"):
        place.collect(an_api(web, paging={"type": "page"}), time_limit_seconds=0.3)

    assert place.names() == []


def test_a_cancelled_collect_loads_nothing(place: Place, web: Web) -> None:
    web.serve("/things", lambda asked: Answer(ids(int(asked.params["page"]))))

    with pytest.raises(Cancelled):
        place.collect(an_api(web, paging={"type": "page"}), cancelled=lambda: len(web.asked) > 3)

    assert place.names() == []
    assert place.staged() == []


def test_a_collect_that_waits_for_a_silent_server_can_be_cancelled(place: Place, web: Web) -> None:
    released = threading.Event()

    def silent(_: Asked) -> Answer:
        released.wait(10)
        return Answer([])

    web.serve("/things", silent)
    began = time.monotonic()

    with pytest.raises(Cancelled):
        place.collect(an_api(web), cancelled=lambda: len(web.asked) > 0)

    released.set()
    assert time.monotonic() - began < 3


def test_fields_that_are_one_column_are_refused(place: Place, web: Web) -> None:
    web.answer("/things", Answer([{"Id": 1, "id": 2}]))

    with pytest.raises(ColumnsAmbiguous, match="Id, id"):
        place.collect(an_api(web))


def test_names_that_are_data_are_refused(place: Place, web: Web) -> None:
    web.answer("/things", Answer({str(number): number for number in range(2000)}))

    with pytest.raises(TooManyColumns):
        place.collect(an_api(web))


def test_records_that_are_no_objects_become_a_column(place: Place, web: Web) -> None:
    web.answer("/things", Answer([3, 4]))

    place.collect(an_api(web))

    assert place.column("value") == [3, 4]
