"""The arguments of a task as fields of a form, made from the JSON Schema that its workers have told.

A value that its own kind of field cannot hold (an empty text, null, a text where a number should be) is written as
JSON, so that what is opened and saved is not changed by it. What was given by place stays given by place.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scheduler_service.errors import FieldProblem

FIELD, KIND, BY_PLACE = "arg.", "as.", "by_place"
SIMPLE = {"integer": "integer", "number": "number", "boolean": "boolean", "string": "text"}
Values = Mapping[str, str]
_ABSENT = object()


@dataclass(frozen=True)
class ArgumentField:
    """One argument. `kind` says how it is typed; `default` is what the task takes where it is left empty, as JSON."""

    name: str
    kind: str
    required: bool
    options: tuple[str, ...] = ()
    default: str | None = None
    description: str = ""

    @property
    def key(self) -> str:
        """Its name in the form."""
        return FIELD + self.name

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The options as a select takes them."""
        return [(one, one) for one in self.options]


@dataclass(frozen=True)
class ArgumentForm:
    """The fields of a task, and whether more may be given by place, or by name, as JSON."""

    fields: tuple[ArgumentField, ...]
    more_args: bool
    more_kwargs: bool


def form_of(schema: Mapping[str, Any] | None, values: Values) -> ArgumentForm:
    """The form of a task with this schema, filled in with these values; of an unknown task all is JSON."""
    if schema is None:
        return ArgumentForm((), more_args=True, more_kwargs=True)
    fields = tuple(_field(name, part, schema, values) for name, part in _properties(schema).items())
    by_place = "x-positional" in schema and not schema.get("x-variadic")
    return ArgumentForm(
        fields,
        more_args=not by_place or values.get("args", "") not in ("", "[]"),
        more_kwargs=schema.get("additionalProperties") is not False or values.get("kwargs", "") not in ("", "{}"),
    )


def values_of(schema: Mapping[str, Any] | None, args: list[Any], kwargs: dict[str, Any]) -> dict[str, str]:
    """What the form of a task holds, given these arguments."""
    if schema is None:
        return {"args": written(args) if args else "", "kwargs": written(kwargs, indent=2) if kwargs else ""}
    names = list(_properties(schema))
    places = [name for name in schema.get("x-positional", ()) if name in names]
    given = dict(zip(places, args, strict=False)) if len(args) <= len(places) else {}
    by_name = {name: value for name, value in kwargs.items() if name in names and name not in given}
    rest = {name: value for name, value in kwargs.items() if name not in by_name}
    values = {BY_PLACE: str(len(given)), "args": written(args) if args and not given else ""}
    values["kwargs"] = written(rest, indent=2) if rest else ""
    for name, value in {**given, **by_name}.items():
        kind = _kind(_plain(_properties(schema)[name]))
        text = _text(value, kind, _options(_plain(_properties(schema)[name])))
        values[KIND + name] = "json" if text is None else kind
        values[FIELD + name] = written(value) if text is None else text
    return values


def arguments_of(
    schema: Mapping[str, Any] | None, values: Values
) -> tuple[list[Any], dict[str, Any], list[FieldProblem]]:
    """What the filled-in form says: arguments by place and by name, and what cannot be read."""
    problems: list[FieldProblem] = []
    args = _read_json(values.get("args", ""), list, "args", problems)
    kwargs = _read_json(values.get("kwargs", ""), dict, "kwargs", problems)
    if schema is None:
        return args, kwargs, problems
    given: dict[str, Any] = {}
    for field in form_of(schema, values).fields:
        value = _value(field, values.get(field.key, ""), problems)
        if value is not _ABSENT:
            given[field.name] = value
    args = args or list(_taken_by_place(schema, values, given))
    return args, given | kwargs, problems


def beside(problem: FieldProblem, schema: Mapping[str, Any] | None) -> FieldProblem:
    """The problem by the field of the form beside which it is told."""
    first, _, rest = problem.field.partition(".")
    inner = rest.partition(".")[0]
    names = _properties(schema or {})
    if first == "args" and inner.isdecimal():
        places = list((schema or {}).get("x-positional", ()))
        inner = places[int(inner)] if int(inner) < len(places) else ""
    field = FIELD + inner if first in ("args", "kwargs") and inner in names else first
    return replace(problem, field=field)


def _taken_by_place(schema: Mapping[str, Any], values: Values, given: dict[str, Any]) -> Iterator[Any]:
    """As many as were given by place when the form was opened, up to the first that is empty now."""
    count = int(values[BY_PLACE]) if values.get(BY_PLACE, "").isdecimal() else 0
    for name in schema.get("x-positional", ())[:count]:
        if name not in given:
            return
        yield given.pop(name)


def _field(name: str, part: Any, schema: Mapping[str, Any], values: Values) -> ArgumentField:
    plain = _plain(part)
    kind = _kind(plain)
    if values.get(KIND + name) == "json":
        kind = "json"
    default = written(part["default"]) if isinstance(part, dict) and "default" in part else None
    options = _options(plain) if kind == "choice" else ()
    said = part.get("description", "") if isinstance(part, dict) else ""
    return ArgumentField(name, kind, name in schema.get("required", ()), options, default, str(said))


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = schema.get("properties", {})
    return found if isinstance(found, dict) else {}


def _plain(part: Any) -> dict[str, Any]:
    """The schema itself; of "this or null" the other, since an empty field is how nothing is said."""
    if not isinstance(part, dict):
        return {}
    members = [one for one in part.get("anyOf", ()) if isinstance(one, dict) and one.get("type") != "null"]
    return members[0] if len(members) == 1 else part


def _kind(plain: Mapping[str, Any]) -> str:
    if _options(plain):
        return "choice"
    return SIMPLE.get(str(plain.get("type")), "json")


def _options(plain: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts that it may be, of an enum of texts."""
    found = plain.get("enum")
    listed = isinstance(found, list) and found and all(isinstance(one, str) and one for one in found)
    return tuple(found) if listed and isinstance(found, list) else ()


def _text(value: Any, kind: str, options: tuple[str, ...]) -> str | None:
    """The value as it is typed in a field of that kind; None where it cannot be."""
    match value:
        case bool():
            return str(value).lower() if kind == "boolean" else None
        case int():
            return str(value) if kind in ("integer", "number") else None
        case float():
            return written(value) if kind == "number" else None
        case str():
            held = value in options if kind == "choice" else kind == "text" and _is_line(value)
            return value if held else None
        case _:
            return None


def _is_line(text: str) -> bool:
    """Whether a field of one line gives back what it was given."""
    return bool(text) and text == text.strip() and "\n" not in text and "\r" not in text


def _value(field: ArgumentField, text: str, problems: list[FieldProblem]) -> Any:
    """What was typed, read as its kind; what is no number is left as it is, and refused by the task's schema."""
    text = text.strip()
    if not text:
        return _ABSENT
    if field.kind in ("text", "choice"):
        return text
    try:
        read = json.loads(text, parse_constant=_refused)
    except ValueError:
        if field.kind == "json":
            problems.append(FieldProblem(f"kwargs.{field.name}", "is not JSON", '"text", 1, true, null, [1, 2]'))
        return text
    return read


def _refused(name: str) -> Any:
    raise ValueError(name)


def _read_json(text: str, kind: type[Any], field: str, problems: list[FieldProblem]) -> Any:
    """JSON of that kind; an empty one where nothing was typed."""
    if not text.strip():
        return kind()
    try:
        read = json.loads(text, parse_constant=_refused)
    except ValueError:
        read = None
    if isinstance(read, kind):
        return read
    wanted = '{"name": "value"}' if kind is dict else '[1, "two"]'
    problems.append(FieldProblem(field, f"must be JSON, such as {wanted}", wanted))
    return kind()


def written(value: Any, indent: int | None = None) -> str:
    """A value as JSON."""
    return json.dumps(value, ensure_ascii=False, indent=indent)
