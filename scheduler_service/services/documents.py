"""Documents that people send: read into models, patched, compared. Every bad field is named, once."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from scheduler_service.errors import FieldProblem, Invalid

M = TypeVar("M", bound=BaseModel)

_WORDED = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "string_unicode": "must not hold a lone surrogate",
    "model_attributes_type": "must be a JSON object, sent with Content-Type: application/json",
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "int_parsing_size": "is too large a number",
    "recursion_loop": "is nested too deeply",
}
#: Errors of a union whose member is chosen by a field: the place is that field.
_TAGS = {"union_tag_invalid", "union_tag_not_found"}


def read(model: type[M], document: Any) -> M:
    """The document as a model. Raises: Invalid, naming every bad field."""
    try:
        return model.model_validate(document)
    except ValidationError as why:
        raise Invalid(problems_of(why.errors(include_url=False), document)) from None


def problems_of(errors: Sequence[Mapping[str, Any]], document: Any) -> list[FieldProblem]:
    """What pydantic found, as one problem a field."""
    found: dict[str, FieldProblem] = {}
    for error in errors:
        place = _place(error, document)
        inside = error.get("ctx", {}).get("problems") or [FieldProblem("", _reason(error))]
        for problem in inside:
            field = ".".join(part for part in (place, problem.field) if part) or "body"
            field = field.encode("utf-8", "replace").decode()
            known = found.get(field)
            if known is None:
                found[field] = FieldProblem(field, problem.reason, problem.example)
            elif problem.reason not in known.reason:
                found[field] = FieldProblem(field, f"{known.reason}, or {problem.reason}", known.example)
    return list(found.values())


def merge_patch(target: Any, patch: Any, *, typed: bool = False) -> Any:
    """RFC 7396: what the patch says replaces, null removes, objects merge.

    With `typed`, an object of another `type` replaces as a whole: the fields of the old type have no meaning in it.
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    if typed and patch.get("type", merged.get("type")) != merged.get("type"):
        merged = {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value, typed=typed)
    return merged


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """{field: (old, new)} of what differs as JSON."""
    names = dict.fromkeys([*before, *after])
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: (old, new) for name, (old, new) in pairs.items() if _canonical(old) != _canonical(new)}


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _place(error: Mapping[str, Any], document: Any) -> str:
    """The path of the field as the person wrote it: without the members of unions, which pydantic puts in between."""
    here, parts = document, []
    *outer, last = error["loc"] or ("",)
    for part in outer:
        if (isinstance(here, dict) and part in here) or (
            isinstance(here, (list, tuple)) and isinstance(part, int) and part < len(here)
        ):
            here = here[part]
        else:
            continue
        parts.append(str(part))
    known = last in here if isinstance(here, dict) else isinstance(here, (list, tuple)) and isinstance(last, int)
    if last != "" and (known or error["type"] in ("missing", *_TAGS)):
        parts.append(str(last))
    if error["type"] in _TAGS:
        parts.append(error["ctx"]["discriminator"].strip("'"))
    return ".".join(parts)


def _reason(error: Mapping[str, Any]) -> str:
    kind, message = error["type"], str(error["msg"])
    if kind == "union_tag_invalid":
        return f"{error['ctx']['tag'][:60]!r} is not one of {error['ctx']['expected_tags']}"
    if kind == "union_tag_not_found":
        return "is required"
    if kind in _WORDED:
        return _WORDED[kind]
    for start in ("Value error, ", "Input ", "String ", "List ", "Dictionary "):
        message = message.removeprefix(start)
    return message[:1].lower() + message[1:]
