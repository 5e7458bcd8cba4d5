"""Reading connections where a process starts: from a file of the operator's, and from URLs in the environment."""

import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr, TypeAdapter, ValidationError

from scheduler_service.errors import CannotStart
from scheduler_service.workloads.connections import SQL_ENGINES, Connection, Connections, HttpConnection

FILE = "SCHEDULER_CONNECTIONS_FILE"
VARIABLE = "SCHEDULER_CONNECTION_"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
#: `self` is this service's own API; `warehouse` is what the service collects into.
OURS = ("self", "warehouse")
_CONNECTION: TypeAdapter[Any] = TypeAdapter(Connection)


def read(file: Path | None, environ: Mapping[str, str], *, own: HttpConnection) -> Connections:
    """Every connection by its name; the environment's before the file's. Raises: CannotStart, naming what is wrong."""
    found: dict[str, Any] = {}
    for name, said in (_document(file) if file else {}).items():
        found[name] = _connection(name, said, source=f"{FILE}: {name}")
    for variable, url in environ.items():
        if variable.startswith(VARIABLE) and url:
            name = variable.removeprefix(VARIABLE).lower()
            found[name] = _connection(name, _of_url(variable, url), source=variable)
    return {**found, "self": own}


def _document(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            if stat.S_IMODE(file.stat().st_mode) & 0o007:
                raise CannotStart(f"{FILE}: {file} holds secrets, and others may read it: chmod 600 it.")
            text = opened.read().decode()
    except OSError as why:
        raise CannotStart(f"{FILE}: {file} cannot be read ({why.strerror}).") from None
    except UnicodeDecodeError:
        raise CannotStart(f"{FILE}: {file} is not UTF-8.") from None
    found = _parsed(file, text)
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise CannotStart(f"{FILE}: {file} must hold connections by their names.")
    return found


def _parsed(file: Path, text: str) -> Any:
    """What the parsers say of a mistake repeats the line, so only its place is told."""
    import yaml

    try:
        return tomllib.loads(text) if file.suffix == ".toml" else yaml.safe_load(text) or {}
    except tomllib.TOMLDecodeError:
        raise CannotStart(f"{FILE}: {file} is no TOML.") from None
    except yaml.YAMLError as why:
        mark = getattr(why, "problem_mark", None)
        raise CannotStart(f"{FILE}: {file} is no YAML{f', from line {mark.line + 1}' if mark else ''}.") from None


def _connection(name: str, said: Any, *, source: str) -> Any:
    if name in OURS:
        raise CannotStart(f"{source}: the name {name} is taken by the service itself.")
    if not NAME.fullmatch(name):
        raise CannotStart(f"{source}: a name is a lower-case letter, then up to 62 lower-case letters, digits, _ or -.")
    try:
        return _CONNECTION.validate_python(said)
    except ValidationError as why:
        wrong = [f"{'.'.join(map(str, error['loc'])) or 'it'}: {error['msg']}" for error in why.errors()]
        raise CannotStart(f"{source}: {'; '.join(wrong)}.") from None


def _of_url(variable: str, url: str) -> dict[str, Any]:
    """A URL says all that most connections need: `https://user:password@host`, or `https://:token@host`."""
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.partition("+")[0]
    except ValueError:
        raise CannotStart(f"{variable} is no URL.") from None
    if scheme in ("http", "https"):
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return {"type": "http", "url": bare, "auth": _auth(parts)}
    if scheme in SQL_ENGINES:
        return {"type": "sql", "url": SecretStr(url)}
    raise CannotStart(f"{variable}: it takes http, https and SQL URLs; others belong into {FILE}.")


def _auth(parts: SplitResult) -> dict[str, str] | None:
    if parts.password is None:
        return None
    password = unquote(parts.password)
    if not parts.username:
        return {"type": "bearer", "token": password}
    return {"type": "basic", "user": unquote(parts.username), "password": password}
