"""The page that shows the API to people."""

import re

import httpx

from tests.api.serving import Server


def test_every_operation_is_on_the_page_and_nothing_comes_from_elsewhere(served: Server) -> None:
    with httpx.Client(base_url=served.url) as anybody:
        page, document = anybody.get("/docs"), anybody.get("/openapi.json").json()

    assert page.status_code == 200
    operations = {one["operationId"] for methods in document["paths"].values() for one in methods.values()}
    assert operations == set(re.findall(r'<details id="(\w+)">', page.text))
    assert "<script" not in page.text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
