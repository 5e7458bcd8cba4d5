"""Metrics for Prometheus, and the count of requests. No key is needed: they hold numbers, and no name but queues'."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scheduler_service.services.metrics import Metrics

router = APIRouter(tags=["health"])

NO_ROUTE = "(none)"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@router.get("/metrics", response_class=PlainTextResponse)
def get_metrics(request: Request) -> PlainTextResponse:
    """Metrics in Prometheus' text format. With the database away they say so, and count on."""
    metrics: Metrics = request.app.state.metrics
    return PlainTextResponse(metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


class Counted:
    """Counts requests by their route, so that ids make no more lines, and methods that nobody has make one.

    `prefix`: of the routes that do not know theirs.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, prefix: str) -> None:
        self._app, self._metrics, self._prefix = app, metrics, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        status = 500

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            return await self._app(scope, receive, send_on)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.count_request(method, self._route(scope), status)

    def _route(self, scope: Scope) -> str:
        path: str | None = getattr(scope.get("route"), "path", None)
        if path is None:
            return NO_ROUTE
        is_short = scope["path"].startswith(self._prefix) and not path.startswith(self._prefix)
        return f"{self._prefix}{path}" if is_short else path
