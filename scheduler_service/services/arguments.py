"""Whether arguments fit a task, by the JSON Schema that a worker has read from its signature."""

import json
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, UnknownType, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from scheduler_service.errors import FieldProblem

LONGEST_REASON = 200
#: An argument as it was given: where, and what.
Given = tuple[str, Any]


def problems_of(schema: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> list[FieldProblem]:
    """What is wrong with the arguments, each by its own name: `args.0`, `kwargs.limit`."""
    by_place, problems = _placed(schema, args)
    for name, value in kwargs.items():
        field = f"kwargs.{name}"
        if name in by_place:
            problems.append(FieldProblem(field, f"is given by {by_place[name][0]} as well"))
        elif name not in schema.get("properties", {}) and schema.get("additionalProperties") is False:
            problems.append(FieldProblem(field, _unknown(name, schema)))
        else:
            by_place[name] = (field, value)
    if not args or "x-positional" in schema:
        missing = (name for name in schema.get("required", ()) if name not in by_place)
        problems += [FieldProblem(f"kwargs.{name}", "is required by the task") for name in missing]
    for name, (field, value) in by_place.items():
        problems += _wrong(schema, name, field, value)
    return problems


def _placed(schema: dict[str, Any], args: list[Any]) -> tuple[dict[str, Given], list[FieldProblem]]:
    """The arguments by place under their names, and those that are too many."""
    names = schema.get("x-positional")
    if names is None:  # the worker did not tell in which order they are
        return {}, []
    given = {name: (f"args.{place}", value) for place, (name, value) in enumerate(zip(names, args, strict=False))}
    if len(args) <= len(names) or schema.get("x-variadic"):
        return given, []
    reason = f"is too many: the task takes {len(names)} by place" + (f" ({', '.join(names)})" if names else "")
    return given, [FieldProblem(f"args.{place}", reason) for place in range(len(names), len(args))]


def _unknown(name: str, schema: dict[str, Any]) -> str:
    known = list(schema.get("properties", {}))
    near = get_close_matches(name, known, n=1)
    return "is no argument of the task" + (f"; near to it: {near[0]}" if near else f", which takes {', '.join(known)}")


def _wrong(schema: dict[str, Any], name: str, field: str, value: Any) -> Iterator[FieldProblem]:
    wanted = schema.get("properties", {}).get(name, {})
    if not isinstance(wanted, dict) or not wanted:
        return
    validator = _validator(json.dumps(wanted | {"$defs": schema.get("$defs", {})}, sort_keys=True))
    if validator is None:
        return
    try:
        for error in validator.iter_errors(value):
            path = ".".join((field, *(str(part) for part in error.absolute_path)))
            yield FieldProblem(path, _reason(error))
    except (Unresolvable, UnknownType):  # a schema that refers to what it does not hold tells nothing
        return


@lru_cache(1024)
def _validator(schema: str) -> Draft202012Validator | None:
    """The validator of this schema, which fetches nothing from anywhere; None for one that is no JSON Schema."""
    read = json.loads(schema)
    try:
        Draft202012Validator.check_schema(read)
    except SchemaError:
        return None
    return Draft202012Validator(read, registry=Registry())


def _reason(error: ValidationError) -> str:
    """What jsonschema says; of a union, what each of its members says."""
    found = [inner.message for inner in error.context] if error.context else [error.message]
    return ", or ".join(dict.fromkeys(found))[:LONGEST_REASON]
