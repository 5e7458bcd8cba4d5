"""The claim, in the process that will execute: around Celery's own tracer.

There it costs no signal, no stored result and no STARTED for a copy, and it works alike with processes, threads and
solo. Tracers are rebuilt by Celery in every pool process and on every reconnect, so they are wrapped after that.
"""

import logging
from collections.abc import Callable
from typing import Any

from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery import Celery
from celery.app.trace import TraceInfo, trace_ok_t
from celery.exceptions import Ignore, Reject, WorkerShutdown, WorkerTerminate

from scheduler_service.errors import StoreAway
from scheduler_service.worker.recording import Attempt, Recorder

logger = logging.getLogger(__name__)

Tracer = Callable[..., Any]


def wrap_tracers(app: Celery, recorder: Recorder, *, in_child: bool) -> None:
    """Make every task of the app claim and record its runs in this process.

    `in_child`: a parent process watches this one, and records what this one cannot.
    """
    for task in app.tasks.values():
        if task.__trace__ is not None and not hasattr(task.__trace__, "tracked"):
            task.__trace__ = tracked(task.__trace__, recorder, in_child=in_child)


def tracked(inner: Tracer, recorder: Recorder, *, in_child: bool) -> Tracer:
    def trace(uuid: str, args: Any, kwargs: Any, request: dict[str, Any] | None = None) -> Any:
        attempt = Attempt.of(request)
        if attempt is None:
            return inner(uuid, args, kwargs, request)
        try:
            claimed = recorder.claim(attempt)
        except StoreAway as why:
            logger.error("run %s is not started: %s", uuid, why)
            return refused("REJECTED", Reject(why, requeue=True))
        if not claimed:
            logger.info("run %s, attempt %s: a copy of its message was dropped", uuid, attempt.number)
            return refused("IGNORED", Ignore("duplicate delivery"))
        try:
            traced = inner(uuid, args, kwargs, request)
        except BaseException as why:
            if in_child:  # this process ends, and its parent records
                raise
            recorder.finish(attempt, "failed", error=f"{type(why).__name__}: {why}")
            if isinstance(why, WorkerShutdown | WorkerTerminate | KeyboardInterrupt):  # not the task's doing
                raise
            return refused("FAILURE", WorkerLostError(f"the task would have ended its worker: {why!r}"))
        recorder.returned(attempt, traced)
        return traced

    trace.tracked = True  # type: ignore[attr-defined]
    return trace


def refused(state: str, why: Exception) -> Any:
    """What a tracer returns for a message that is not executed."""
    try:
        raise why
    except type(why):
        return trace_ok_t(ExceptionInfo(internal=True), TraceInfo(state, why), 0.0, None)
