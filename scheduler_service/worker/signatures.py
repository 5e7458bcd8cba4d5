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
    return KnownTask(
        task.name, doc.split("\n\n", 1)[0], bool(task.acks_late), arguments_schema(task), queue=_queue_of(task)
    )


def arguments_schema(task: Task) -> dict[str, Any]:
    """JSON Schema of the task's arguments by name; what cannot be told is left open.

    Beyond JSON Schema, `x-positional` names those that may be given by place, in order (a database may shuffle the
    properties), and `x-variadic` says that there may be more.
    """
    try:
        parameters = inspect.signature(task.run).parameters.values()
    except (TypeError, ValueError):
        return {"type": "object"}
    named = [parameter for parameter in parameters if parameter.kind not in VARIABLE]
    required = [parameter.name for parameter in named if parameter.default is parameter.empty]
    kinds = {parameter.kind for parameter in parameters}
    return {
        "type": "object",
        **_schemas_of(named, _hints(task.run)),
        "additionalProperties": inspect.Parameter.VAR_KEYWORD in kinds,
        "x-positional": [parameter.name for parameter in named if parameter.kind is not parameter.KEYWORD_ONLY],
        **({"x-variadic": True} if inspect.Parameter.VAR_POSITIONAL in kinds else {}),
        **({"required": required} if required else {}),
    }


VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _queue_of(task: Task) -> str | None:
    """Where a message of the task goes that names no queue; None where somebody's own router cannot tell."""
    try:
        said = {"queue": task.queue} if getattr(task, "queue", None) else {}
        queue = task.app.amqp.router.route(said, task.name, (), {}).get("queue")
    except Exception:  # noqa: BLE001 - a router may be anybody's code, and need what only a message has
        return None
    return str(getattr(queue, "name", queue)) if queue is not None else None


def _hints(run: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(inspect.unwrap(getattr(run, "__func__", run)))
    except (NameError, TypeError, AttributeError):  # names that only a type checker can see
        return {}


def _schemas_of(parameters: list[inspect.Parameter], hints: dict[str, Any]) -> dict[str, Any]:
    """`properties`, and the `$defs` that they refer to, which are of the whole document."""
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for parameter in parameters:
        schema = _schema_of(hints.get(parameter.name, Any))
        definitions |= schema.pop("$defs", {})
        properties[parameter.name] = schema
        if parameter.default is not parameter.empty and _is_json(parameter.default):
            properties[parameter.name]["default"] = parameter.default
    return {"properties": properties, **({"$defs": definitions} if definitions else {})}


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
