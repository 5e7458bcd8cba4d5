"""The events of somebody's Celery, followed on its broker until it is enough."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from celery import Celery
from celery.events import EventReceiver
from kombu.exceptions import OperationalError
from kombu.utils.url import maybe_sanitize_url

from scheduler_service.errors import SourceAway, SourceNotUnderstood

LOOK_SECONDS = 0.5
ASK_SECONDS = 1.0
CONNECT_SECONDS = 5
_ONCE = {"max_retries": 0}  # whoever follows tries again, and says so
_REDIS = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": CONNECT_SECONDS}


class BrokerEvents:
    """A broker by its URL. Raises: SourceNotUnderstood, for one that is none."""

    def __init__(self, url: str) -> None:
        self.label: str = maybe_sanitize_url(url)
        self._url = url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
        options = {**_ONCE, **(_REDIS if self._url.startswith("redis") else {})}
        self._app = Celery("watching", set_as_current=False, changes=None)
        self._app.conf.update(broker_transport_options=options, broker_connection_timeout=CONNECT_SECONDS)
        try:
            self._app.connection_for_read(self._url).transport  # noqa: B018 - it is looked up when it is asked for
        except (KeyError, ValueError, ImportError) as why:
            raise SourceNotUnderstood(self.label, f"it is no URL of a broker ({why})") from why

    def follow(self, hear: Callable[[Mapping[str, Any]], None], look: Callable[[], bool]) -> None:
        """Tell of each event until `look`, asked at least twice a second, has had enough. Raises: SourceAway."""
        with self._app.connection_for_read(self._url) as connection:
            errors = (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors)
            try:
                receiver = _Receiver(connection, hear, look, app=self._app)
                for _ in receiver.consume(safety_interval=LOOK_SECONDS, wakeup=False):
                    pass
            except errors as why:
                raise SourceAway(self.label, str(why).split("\n", 1)[0].rstrip(".") or type(why).__name__) from why


class _Receiver(EventReceiver):  # type: ignore[misc]
    connect_max_retries = 0

    def __init__(
        self, connection: Any, hear: Callable[[Mapping[str, Any]], None], look: Callable[[], bool], *, app: Celery
    ) -> None:
        super().__init__(connection, app=app)
        self._hear, self._look = hear, look
        self._ask_at = 0.0

    def on_iteration(self) -> None:
        if monotonic() >= self._ask_at:
            self._ask()
            self._ask_at = monotonic() + ASK_SECONDS
        self.should_stop = self._look()

    def _ask(self) -> None:
        """A Redis that answers nobody is as silent as one with nothing to tell."""
        client = getattr(self.channel, "client", None)
        if client is not None:
            client.ping()

    def process(self, _type: str, event: Mapping[str, Any]) -> None:
        self._hear(event)

    def event_from_message(self, body: Any, **_: Any) -> tuple[str, Mapping[str, Any]]:
        """As it was sent: its time is in UTC already, which Celery's own would move by the sender's offset."""
        event = body if isinstance(body, dict) else {}
        return str(event.get("type")), event
