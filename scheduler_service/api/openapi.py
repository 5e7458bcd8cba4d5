"""The OpenAPI document: what FastAPI makes, with the problems that any operation may answer."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from scheduler_service.api.auth import CSRF_HEADER, role_needed
from scheduler_service.api.problems import MEDIA_TYPE, Problem
from scheduler_service.services.transfer_documents import TransferDocument

EVERYWHERE = {422: "A field is wrong", 503: "The database is away"}
WITH_KEY = {
    400: "The body is no JSON",
    401: "The key is missing or unknown",
    403: "The role does not allow it",
    413: "The body is too large",
    429: "Too many requests",
}
CROSS_SITE = {403: "A page of another origin asked"}
CONFLICTS = {
    "create": "The name is taken",
    "replace": "The name is taken",
    "patch": "The name is taken",
    "import": "A name was taken meanwhile",
    "cancel": "It has ended already",
    "retry": "It has not ended yet",
}
EDITS = ("replace_", "patch_", "delete_")
OF_SCHEDULES = ("delete_collect_task", "delete_report", "delete_calendar")


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
            _declare_roles(made, app)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _declare_problems(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for generated in ("HTTPValidationError", "ValidationError"):
        schemas.pop(generated, None)
    for model in (Problem, TransferDocument):
        made = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(made.pop("$defs") | schemas | {model.__name__: made})
    for path, operations in document["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            for status, description in _problems_of(path, operation).items():
                responses[str(status)] = _response(description)


def _declare_roles(document: dict[str, Any], app: FastAPI) -> None:
    """Say on each operation which role it takes."""
    for found in iter_route_contexts(app.routes):
        for method, operation in document["paths"].get(found.path, {}).items():
            if method.upper() in (found.methods or ()) and isinstance(found.original_route, APIRoute):
                role = role_needed(found.original_route, method.upper())
                session = "" if method == "get" else f"; or with a session, {CSRF_HEADER} or our Origin is missing"
                if "security" in operation:
                    operation["responses"]["403"]["description"] = f"It takes the role {role}{session}"


def _problems_of(path: str, operation: dict[str, Any]) -> dict[int, str]:
    if "security" not in operation:
        open_to_all = {"readyz": {503: "Not ready"}, "sign_in_with_key": {**EVERYWHERE, **WITH_KEY, **CROSS_SITE}}
        return open_to_all.get(operation["operationId"], {})
    parameters = {(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", ())}
    problems = {**EVERYWHERE, **WITH_KEY}
    for place, name in parameters:
        if place == "path":
            problems[404] = f"There is no such {_noun(path, name)}"
    if ("header", "if-match") in parameters:
        problems[412] = "It has another revision by now"
        if operation["operationId"].startswith(EDITS):
            problems[428] = "If-Match is missing, and a setting requires it"
    if conflicts := list(_conflicts_of(operation["operationId"], parameters)):
        problems[409] = "; or ".join(conflicts)
    if operation["operationId"] == "preview_timing":
        problems[404] = "There is no such schedule"
    return problems


def _noun(path: str, parameter: str) -> str:
    """What a parameter of the path names: `run_id` a run, and `name` in `/datasets/{name}` a dataset."""
    if parameter.endswith("_id"):
        return parameter.removesuffix("_id").replace("_", " ")
    return path.split(f"/{{{parameter}}}", 1)[0].rsplit("/", 1)[1].removesuffix("s")


def _conflicts_of(operation_id: str, parameters: set[tuple[str, str]]) -> Iterator[str]:
    action = operation_id.partition("_")[0]
    if operation_id in OF_SCHEDULES:
        yield "Schedules need it"
    elif action in CONFLICTS:
        yield CONFLICTS[action]
    if ("header", "idempotency-key") in parameters:
        yield "The Idempotency-Key came with another request"


def _response(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}
