"""Send decided runs to the broker, after the commit.

In kombu batches, with the run's id as the task id, so that sending twice is safe. kombu's own retries are off and
its sockets time out: Beat never hangs on a broker. What could not be sent stays pending.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from celery import Celery
from celery.app.routes import MapRoute
from kombu.exceptions import BatchPublishError, OperationalError

from scheduler_service.storage.publishing import CELERYS_HEADERS, Message

logger = logging.getLogger(__name__)

#: What the broker being away looks like, whatever the transport.
BROKER_ERRORS = (BatchPublishError, OperationalError, ConnectionError, TimeoutError)
CONNECT_TIMEOUT = 2
BATCH = 1000
LONGEST_REPR = 1000


@dataclass
class Routes:
    """What one batch has worked out: options by task and schedule's options, and the queues that are declared."""

    known: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)


@dataclass
class Sent:
    """What became of a batch: sent, cannot be made, or not sent because the broker is away."""

    ids: list[UUID] = field(default_factory=list)
    unpublishable: dict[UUID, str] = field(default_factory=dict)
    broker_away: str | None = None


def set_socket_timeouts(app: Celery) -> None:
    """In this process no call to the broker may hang; what the app has set already stays."""
    driver = app.connection_for_write().transport.driver_type
    if driver == "redis":
        wanted = {"socket_timeout": 2, "socket_connect_timeout": CONNECT_TIMEOUT}
    elif driver == "amqp":
        wanted = {"confirm_publish": True, "read_timeout": 2, "write_timeout": 2}
    else:
        return
    app.conf.broker_transport_options = {**wanted, **(app.conf.broker_transport_options or {})}


class Publisher:
    """Publishes for one Celery app."""

    def __init__(self, app: Celery) -> None:
        app.finalize()  # task options (`queue`, `priority`, …) are read below
        self._app = app
        transport = app.connection_for_write().transport
        self.broker_errors = (*BROKER_ERRORS, *transport.connection_errors, *transport.channel_errors)
        self._drops_unbound = transport.driver_type == "redis"
        #: Whether a message's route depends on nothing but its task and options.
        self._routes_are_fixed = all(isinstance(router, MapRoute) for router in app.amqp.routes)

    def send(self, messages: Sequence[Message], *, now: datetime) -> Sent:
        """Send all, or say why not. When the broker fails in the middle, none counts as sent: all are sent again."""
        sent = Sent()
        try:
            with self._app.producer_pool.acquire(block=True, timeout=5) as producer:
                # without this a dead broker is retried inside kombu, for seconds
                producer.connection.ensure_connection(max_retries=0, timeout=CONNECT_TIMEOUT)
                with producer.batch(max_size=BATCH):
                    self._buffer(producer, messages, sent, now)
        except self.broker_errors as why:
            return Sent([], sent.unpublishable, str(why) or type(why).__name__)
        return sent

    def terminate(self, ids: Sequence[UUID]) -> None:
        """Have every worker end these runs, wherever they run. Raises what the transport raises."""
        self._app.control.revoke([str(run_id) for run_id in ids], terminate=True)

    def _buffer(self, producer: Any, messages: Iterable[Message], sent: Sent, now: datetime) -> None:
        routes = Routes()
        for message in messages:
            try:
                self._send_one(producer, message, now, routes)
                sent.ids.append(message.id)
            except Exception as why:  # the app's routers and serializers may raise anything
                if isinstance(why, self.broker_errors) and not isinstance(why, KeyError):  # kombu names that, too
                    raise
                sent.unpublishable[message.id] = f"{type(why).__name__}: {why}"
                logger.warning("run %s cannot be published: %s", message.id, why)

    def _send_one(self, producer: Any, message: Message, now: datetime, routes: Routes) -> None:
        app, run_id = self._app, str(message.id)
        options = self._options(message, routes)
        expire_seconds = options.pop("expire_seconds", None)
        headers = {**(options.pop("headers", None) or {}), **tracking_headers(message)}
        if taken := CELERYS_HEADERS & headers.keys():
            raise ValueError(f"headers that are Celery's own: {', '.join(sorted(taken))}")
        expires = options.pop("expires", None)
        if expire_seconds is not None:
            options["expiration"], expires = expire_seconds, now + timedelta(seconds=expire_seconds)
        task_message = app.amqp.as_task_v2(
            run_id,
            message.task,
            message.args,
            message.kwargs,
            expires=expires,
            retries=message.attempt - 1,
            argsrepr=_shown(message.args),
            kwargsrepr=_shown(message.kwargs),
            root_id=run_id,
            origin="scheduler-service",
            time_limit=options.pop("time_limit", None),
            soft_time_limit=options.pop("soft_time_limit", None),
            ignore_result=options.pop("ignore_result", False),
            create_sent_event=app.conf.task_send_sent_event,
        )
        app.amqp.send_task_message(producer, message.task, task_message, retry=False, headers=headers, **options)

    def _options(self, message: Message, routes: Routes) -> dict[str, Any]:
        """The message's options and route, worked out once a batch for all that are alike."""
        key = (message.task, repr(message.options)) if self._routes_are_fixed else None
        if key is None or key not in routes.known:
            routed = self._routed(message, routes)
            if key is None:
                return routed
            routes.known[key] = {**routed, "declare": ()} if routed.get("queue") is not None else routed
            return dict(routed)
        return dict(routes.known[key])

    def _routed(self, message: Message, routes: Routes) -> dict[str, Any]:
        """The task's own options, overridden by the schedule's, routed by the app's rules.

        Each queue is declared once a batch; asking kombu whether it is takes a fifth of the time of a message.
        """
        task = self._app.tasks.get(message.task)
        own = {**task._get_exec_options(), "ignore_result": task.ignore_result} if task is not None else {}
        options = {name: value for name, value in {**own, **message.options}.items() if value is not None}
        options.pop("retry", None)  # what becomes of a failure is the recorder's business
        self._bind(options)
        routed: dict[str, Any] = self._app.amqp.router.route(options, message.task, message.args, message.kwargs, task)
        queue = routed.get("queue")
        if queue is not None and "declare" not in routed:
            routed["declare"] = () if queue.name in routes.declared else (queue,)
            routes.declared.add(queue.name)
        return routed

    def _bind(self, options: dict[str, Any]) -> None:
        """Redis drops, without a word, what is sent to an exchange that no queue is bound to: bind, or refuse."""
        exchange = options.get("exchange")
        if not self._drops_unbound or not exchange or options.get("queue"):
            return
        queues = self._app.amqp.queues.values()
        options["declare"] = [queue for queue in queues if queue.exchange and queue.exchange.name == exchange]
        if not options["declare"]:
            raise ValueError(f"no queue of this app is bound to the exchange {exchange!r}")


def _shown(value: Any) -> str:
    """For people who watch; Celery's own `saferepr` takes as long as sending."""
    shown = repr(value)
    return shown if len(shown) <= LONGEST_REPR else f"{shown[:LONGEST_REPR]}…"


def tracking_headers(message: Message) -> dict[str, Any]:
    """What a tracking worker reads: an attempt is this one plus Celery's own `retries`."""
    return {
        "schedule_id": message.periodic_task_id,
        "run_id": str(message.id),
        "occurrence_at": message.occurrence_at.isoformat().replace("+00:00", "Z"),
        "attempt": 1,
    }
