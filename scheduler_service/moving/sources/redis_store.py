"""Another program's Redis: read in one transaction, and written only where nothing changed meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis import Redis, RedisError, WatchError
from redis.backoff import NoBackoff
from redis.retry import Retry

from scheduler_service.errors import SourceAway, SourceNotUnderstood

SECONDS = 5
TRIES = 20
_SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss"}


class RedisStore:
    """A Redis or Valkey by its URL; options of ours are in the query: `?jobs_key=`, `?prefix=`."""

    def __init__(self, kind: str, text: str, *, options: frozenset[str]) -> None:
        parts = urlsplit(text)
        if parts.scheme not in _SCHEMES:
            raise SourceNotUnderstood(kind, "its address is no URL of a Redis")
        query = dict(parse_qsl(parts.query))
        self.options = {name: value for name, value in query.items() if name in options}
        rest = urlencode({name: value for name, value in query.items() if name not in options})
        self._url = urlunsplit(parts._replace(scheme=_SCHEMES[parts.scheme], query=rest))
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query=urlencode(sorted(self.options.items())))
        self.label = f"{kind}+{urlunsplit(shown)}"

    @contextmanager
    def client(self) -> Iterator["Redis"]:
        """Raises: SourceAway."""
        options = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS, "retry": Retry(NoBackoff(), 0)}
        try:
            with Redis.from_url(self._url, **options) as client:
                yield client
        except (RedisError, OSError, ValueError) as why:
            raise SourceAway(self.label, str(why).split("\n", 1)[0].rstrip(".")) from why

    def changed(self, keys: list[str], change: Callable[[Any], bool]) -> bool:
        """Watch the keys and let `change(pipe)` read, say `pipe.multi()` and write; whether it wrote anything.

        Raises: SourceAway, also when they change each time.
        """
        with self.client() as client:
            for _ in range(TRIES):
                with client.pipeline() as pipe:
                    try:
                        pipe.watch(*keys)  # type: ignore[no-untyped-call]
                        wrote = change(pipe)
                        pipe.execute()
                        return wrote
                    except WatchError:
                        continue
        raise SourceAway(self.label, "its keys change faster than they can be written")
