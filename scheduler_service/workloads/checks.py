"""What a definition's texts must be, each rule once, with its reason in words for whoever wrote it."""

import codecs
from typing import Any
from urllib.parse import urlsplit

from pydantic import AfterValidator

from scheduler_service.workloads.identifiers import DATASET_NAME

ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
SECRET_HEADERS = {
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "api-key",
    "apikey",
    "x-api-key",
    "x-auth-token",
    "x-access-token",
}
OUR_HEADERS = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "upgrade", "te"}


def _dataset(name: str) -> str:
    if not DATASET_NAME.fullmatch(name):
        raise ValueError("must be a lower-case letter, then up to 62 lower-case letters, digits or _")
    return name


def _url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # such as a bracket that is never closed; what it says may hold what was written
        raise ValueError("must be a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an absolute http or https URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold credentials: they belong to a connection, which an operator sets")
    if parts.fragment:
        raise ValueError("must not have a fragment")
    _ = parts.port  # raises ValueError if it is none
    return _readable(url)


def _readable(url: str) -> str:
    """What the client will make of it: it refuses, for one, octal addresses."""
    import httpx

    try:
        httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"is no URL: {error}") from error
    if any(character.isspace() for character in url):
        raise ValueError("must not hold white space")
    return url


def _relative_path(path: str) -> str:
    if "?" in path or "#" in path or "\\" in path or "://" in path:
        raise ValueError("must be a plain path under the connection's URL; queries go into params")
    if ".." in path.split("/"):
        raise ValueError("must not hold ..")
    return path


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if name.lower() in SECRET_HEADERS:
            raise ValueError(f"{name} carries a secret: that belongs to a connection, which an operator sets")
        if name.lower() in OUR_HEADERS:
            raise ValueError(f"{name} is set by the service")
        if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
            raise ValueError(f"{name!r} is no header name")
        if not value.isascii() or not value.isprintable():
            raise ValueError(f"the value of {name} must be printable ASCII")
    return headers


def _json_path(path: str) -> str:
    from jsonpath_ng.exceptions import JSONPathError
    from jsonpath_ng.parser import parse

    try:
        parse(path)
    except JSONPathError as error:
        raise ValueError(f"is no JSONPath: {error}") from error
    return path


def _one_character(text: str) -> str:
    if len(text) != 1 or not text.isascii() or text in "\r\n\0":
        raise ValueError("must be one ASCII character")
    return text


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
        "".encode(name)  # refuses what is a codec but no text encoding, such as base64
    except LookupError as error:
        raise ValueError(f"no encoding is named {name!r}") from error
    return name


def _file_path(path: str) -> str:
    if "\0" in path or "://" in path:
        raise ValueError("must be a path on this machine")
    if ".." in path.split("/"):
        raise ValueError("must not hold ..")
    return path


def _table_name(name: str) -> str:
    parts = name.split(".")
    if not 1 <= len(parts) <= 3 or not all(parts) or any(not part.isprintable() for part in parts):
        raise ValueError("must be the name of a table, perhaps with its schema before it: shop.orders")
    return name


def _mailbox(text: str) -> str:
    """One mailbox: `a@b.c, d@e.f`, given as one recipient, would be two."""
    from email.errors import MessageError
    from email.headerregistry import Address

    try:
        address = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        raise ValueError("must be one e-mail address") from None
    if not (address.username and address.domain) or address.addr_spec != text or not text.isascii():
        raise ValueError("must be one plain e-mail address, such as team@example.com")
    return text


def plain_url(url: str) -> str:
    """The URL, when it is one that may be told to a client. Raises: ValueError."""
    return _url(url)


def _not_empty(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise ValueError("must hold at least one")
    return items


DatasetName = AfterValidator(_dataset)
PlainUrl = AfterValidator(_url)
RelativePath = AfterValidator(_relative_path)
PlainHeaders = AfterValidator(_headers)
JsonPathSyntax = AfterValidator(_json_path)
OneCharacter = AfterValidator(_one_character)
TextEncoding = AfterValidator(_encoding)
FilePath = AfterValidator(_file_path)
Mailbox = AfterValidator(_mailbox)
#: pydantic's own `min_length` of a tuple also complains when the items that are there are wrong.
NotEmpty = AfterValidator(_not_empty)
TableName = AfterValidator(_table_name)
