"""A browser without script, and the page that it reads."""

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from types import TracebackType
from typing import Any, Self

import httpx

VOID = {"input", "meta", "link", "br", "hr", "img", "use", "path", "rect", "circle", "line", "col", "source", "wbr"}


class Node:
    """An element: its attributes, its children, and the text in it."""

    def __init__(self, tag: str, attrs: dict[str, str], parent: "Node | None" = None) -> None:
        self.tag, self.attrs, self.parent = tag, attrs, parent
        self.children: list[Node | str] = []

    def __getitem__(self, name: str) -> str:
        return self.attrs[name]

    @property
    def text(self) -> str:
        """Its text with single spaces."""
        return " ".join("".join(self._texts()).split())

    @property
    def classes(self) -> list[str]:
        return self.attrs.get("class", "").split()

    def all(self, tag: str | None = None, *, cls: str | None = None, **attrs: str) -> list["Node"]:
        """Every element in it of that tag, class and attributes (`for_`, `aria_invalid` as Python can say them)."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attrs.items()}
        return [node for node in self._walk() if node.matches(tag, cls, wanted)]

    def one(self, tag: str | None = None, *, cls: str | None = None, **attrs: str) -> "Node":
        """The only such element."""
        found = self.all(tag, cls=cls, **attrs)
        assert len(found) == 1, f"{len(found)} of {tag} {cls or ''} {attrs or ''} in: {self.text[:2000]}"
        return found[0]

    def has(self, tag: str | None = None, *, cls: str | None = None, **attrs: str) -> bool:
        return bool(self.all(tag, cls=cls, **attrs))

    def matches(self, tag: str | None, cls: str | None, attrs: dict[str, str]) -> bool:
        return (
            (tag is None or self.tag == tag)
            and (cls is None or cls in self.classes)
            and all(self.attrs.get(name) == value for name, value in attrs.items())
        )

    def texts(self, tag: str, *, cls: str | None = None) -> list[str]:
        """The text of each such element."""
        return [node.text for node in self.all(tag, cls=cls)]

    def rows(self) -> list[list[str]]:
        """The cells of a table's body, row by row."""
        body = self.all("tbody")
        found = [tr for part in body or [self] for tr in part.all("tr")]
        return [[cell.text for cell in tr._walk() if cell.tag in ("td", "th")] for tr in found]

    def fields(self) -> dict[str, str]:
        """What a browser would post of this form, as it stands."""
        found = {}
        for node in self._walk():
            if "name" not in node.attrs or node.tag not in ("input", "textarea", "select"):
                continue
            if node.attrs.get("type") in ("checkbox", "radio") and "checked" not in node.attrs:
                continue
            found[node["name"]] = node.value
        return found

    @property
    def value(self) -> str:
        """What a field holds."""
        if self.tag == "textarea":
            return "".join(self._texts()).removeprefix("\n")
        if self.tag == "select":
            options = self.all("option")
            chosen = [option for option in options if "selected" in option.attrs] or options[:1]
            return chosen[0].attrs.get("value", chosen[0].text) if chosen else ""
        return self.attrs.get("value", "on" if self.attrs.get("type") == "checkbox" else "")

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in ("script", "style"):
                yield from child._texts()

    def _walk(self) -> Iterator["Node"]:
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child._walk()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = self.at = Node("", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(node)
        if tag not in VOID:
            self.at = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.children.append(Node(tag, {name: value or "" for name, value in attrs}, self.at))

    def handle_endtag(self, tag: str) -> None:
        at: Node | None = self.at
        while at is not None and at.tag != tag:
            at = at.parent
        if at is not None and at.parent is not None:
            self.at = at.parent

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


def read(html: str) -> Node:
    """The page as a tree."""
    reader = _Reader()
    reader.feed(html)
    return reader.root


class Browser:
    """What a person does with a page: read it, follow it, fill a form in and send it. Keeps cookies, runs no script."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30, headers={"Accept-Language": "en"})
        self.origin = url
        self.last: httpx.Response | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def signed_in(self, key: str) -> Self:
        """With a session."""
        answer = self.http.post("/sign-in", data={"key": key}, headers={"Origin": self.origin})
        assert answer.status_code == 303, answer.text
        return self

    def read(self, path: str, *, status: int = 200, language: str | None = None) -> Node:
        """The page there, redirects followed."""
        headers = {"Accept-Language": language} if language else {}
        self.last = self.http.get(path, headers=headers, follow_redirects=True)
        assert self.last.status_code == status, f"{self.last.status_code}: {read(self.last.text).text[:2000]}"
        return read(self.last.text)

    def post(self, path: str, fields: Mapping[str, str | list[str]] | None = None, **headers: str) -> httpx.Response:
        """The answer to a form of ours with these fields; the token is added when there is none."""
        given = {"csrf_token": self.token(), **(fields or {})}
        self.last = self.http.post(path, data=given, headers={"Origin": self.origin, **headers})
        return self.last

    def send(self, form: Node, /, *, status: Any = 200, **filled: str | list[str]) -> Node:
        """The page after a form was filled in and sent, redirects followed."""
        fields: dict[str, str | list[str]] = {**form.fields(), **filled}
        answer = self.http.post(form["action"], data=fields, headers={"Origin": self.origin}, follow_redirects=True)
        self.last = answer
        assert answer.status_code == status, f"{answer.status_code}: {read(answer.text).text[:2000]}"
        return read(answer.text)

    def token(self) -> str:
        """What a form of the console carries."""
        found = read(self.http.get("/preferences").text).all("input", name="csrf_token")
        return found[0]["value"] if found else ""
