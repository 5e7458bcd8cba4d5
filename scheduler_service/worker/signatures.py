"""What a task takes, as a JSON Schema of its arguments, read from its signature."""

import inspect
import json
from collections.abc import Callable
from typing import Any, get_type_hints

from celery import Task
from pydantic import TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from scheduler_service.storage.workers import KnownTask


def known_task(task: Task) -> KnownTask:
    """The task as it is registered with the service."""
    doc = inspect.getdoc(task.run) or ""
    return KnownTask(task.name, doc.split("\n\n", 1)[0], bool(task.acks_late), arguments_schema(task))


def arguments_schema(task: Task) -> dict[str, Any]:
    """JSON Schema of the task's arguments by name; what cannot be told is left open."""
    try:
        parameters = inspect.signature(task.run).parameters.values()
    except (TypeError, ValueError):
        return {"type": "object"}
    hints = _hints(task.run)
    properties: dict[str, Any] = {}
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    required = []
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            schema["additionalProperties"] = True
            continue
        properties[parameter.name] = _schema_of(hints.get(parameter.name, Any))
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        elif _is_json(parameter.default):
            properties[parameter.name] = properties[parameter.name] | {"default": parameter.default}
    return schema | ({"required": required} if required else {})


def _hints(run: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(inspect.unwrap(getattr(run, "__func__", run)))
    except (NameError, TypeError, AttributeError):  # names that only a type checker can see
        return {}


def _schema_of(hint: Any) -> dict[str, Any]:
    try:
        return TypeAdapter(hint).json_schema()
    except (PydanticUserError, PydanticInvalidForJsonSchema, TypeError):
        return {}


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
