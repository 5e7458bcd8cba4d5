"""The OpenAPI document as a page to read: made here, so that it needs no script and no internet."""

import json
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Every operation, by noun."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    document = request.app.openapi()
    page = environment.get_template("docs.html").render(info=document["info"], nouns=nouns_of(document))
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


def nouns_of(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The operations of an OpenAPI document, each as what is shown of it, under their tags."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", ["other"])[0]
            found.setdefault(tag, []).append(_shown(document, path, method, operation))
    return found


def _shown(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    bodies = {
        kind: _fields(document, content.get("schema", {}))
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    }
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "description": operation.get("description", ""),
        "parameters": [
            {
                "name": one["name"],
                "place": one["in"],
                "needed": one.get("required", False),
                "kind": _kind(one.get("schema", {})),
                "description": one.get("description", ""),
            }
            for one in operation.get("parameters", ())
        ],
        "bodies": bodies,
        "answers": {status: answer.get("description", "") for status, answer in operation["responses"].items()},
    }


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a body: those of each variant, where it may be one of several."""
    for several in ("oneOf", "anyOf", "allOf"):
        if several in schema:
            return [field for one in schema[several] for field in _fields(document, one)]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    needed = schema.get("required", ())
    return [
        {
            "name": name,
            "needed": name in needed,
            "kind": _kind(field),
            "description": field.get("description", ""),
            "example": json.dumps(field["examples"][0], ensure_ascii=False) if field.get("examples") else "",
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _kind(schema: dict[str, Any]) -> str:
    """What a value is, in few words."""
    if "$ref" in schema:
        name: str = schema["$ref"].rsplit("/", 1)[1]
        return name
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_kind(one) for one in schema[several]))
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "anything"))
