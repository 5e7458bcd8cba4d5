"""The OpenAPI document: what FastAPI makes, with the problems that any operation may answer."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from scheduler_service.api.problems import MEDIA_TYPE, Problem

EVERYWHERE = {422: "A field is wrong", 503: "The database is away"}
WITH_KEY = {400: "The body is no JSON", 401: "The key is missing or unknown", 413: "The body is too large"}
BY_PARAMETER = {
    "schedule_id": "schedule",
    "run_id": "run",
    "backfill_id": "backfill",
    "calendar_id": "calendar",
    "collect_task_id": "collect task",
    "name": "dataset",
}
CONFLICTS = {
    "create": "The name is taken",
    "replace": "The name is taken",
    "patch": "The name is taken",
    "cancel": "It has ended already",
    "retry": "It has not ended yet",
}
OF_SCHEDULES = ("delete_collect_task", "delete_calendar")


def install(app: FastAPI) -> None:
    """Serve the document with every problem declared."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            _declare_problems(made)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _declare_problems(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for generated in ("HTTPValidationError", "ValidationError"):
        schemas.pop(generated, None)
    made = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(made.pop("$defs"))
    schemas["Problem"] = made
    for operations in document["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            for status, description in _problems_of(operation).items():
                responses[str(status)] = _response(description)


def _problems_of(operation: dict[str, Any]) -> dict[int, str]:
    if "security" not in operation:
        return {503: "Not ready"} if operation["operationId"] == "readyz" else {}
    parameters = {(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", ())}
    problems = {**EVERYWHERE, **WITH_KEY}
    for name, noun in BY_PARAMETER.items():
        if ("path", name) in parameters:
            problems[404] = f"There is no such {noun}"
    if ("header", "if-match") in parameters:
        problems[412] = "It has another revision by now"
    action = operation["operationId"].partition("_")[0]
    if operation["operationId"] in OF_SCHEDULES:
        problems[409] = "Schedules need it"
    elif action in CONFLICTS:
        problems[409] = CONFLICTS[action]
    if operation["operationId"] == "preview_timing":
        problems[404] = "There is no such schedule"
    return problems


def _response(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}
