"""One answer from a source: redirects by hand, retries with patience, and nothing secret in what is said about it.

Transient: no connection, a broken or slow one, 408, 425, 429 and 5xx. A `Retry-After` is honoured, in seconds or as
a date, up to the policy's cap.
"""

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Self

import httpx

from scheduler_service.errors import RequestRefused, ResponseTooLarge, SourceUnavailable, SourceUnreachable, UrlRefused
from scheduler_service.timing.clock import Clock
from scheduler_service.workloads.collect.definitions import RetryPolicy
from scheduler_service.workloads.collect.guard import Budget, GuardedTransport
from scheduler_service.workloads.stopping import Stop

MOST_REDIRECTS = 5
LARGEST_BODY = 64 * 2**20
LARGEST_RUN = 4 * 2**30
CONNECT_SECONDS = 10.0
EXCERPT_LENGTH = 200
TRANSIENT = {408, 425, 429}
REDIRECTS = {301, 302, 303, 307, 308}
QUERY = re.compile(r"""(/[^\s?"'<>]*)\?[^\s"'<>]+""")


@dataclass(frozen=True)
class Answer:
    """A successful response, whole."""

    url: httpx.URL
    status: int
    headers: httpx.Headers
    body: bytes


@dataclass(frozen=True)
class Manners:
    """How to ask: headers for the first origin only, the token (only there, too), the policy and the bounds."""

    origin: tuple[str, str, int | None]
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str | None = field(default=None, repr=False)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeout_seconds: float = 30.0
    largest_body: int = LARGEST_BODY
    largest_run: int = LARGEST_RUN


def origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port; httpx leaves out a scheme's own port."""
    return url.scheme, url.host, url.port


def shown(url: httpx.URL) -> str:
    """A URL as it may be told: queries may hold secrets."""
    return str(url.copy_with(query=None, fragment=None, username=None, password=None))


class Fetcher:
    """Asks one source. For one thread; closed by its `with`."""

    def __init__(self, transport: GuardedTransport, manners: Manners, *, clock: Clock, stop: Stop) -> None:
        self._transport, self._manners = transport, manners
        self._clock, self._stop = clock, stop
        self._received = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._transport.close()

    def get(self, url: httpx.URL) -> Answer:
        """The answer, after as many tries as the policy has. Raises RequestRefused, SourceUnavailable,
        SourceUnreachable, AddressRefused, UrlRefused, ResponseTooLarge."""
        policy = self._manners.retry
        for attempt in range(1, policy.attempts + 1):
            last = attempt == policy.attempts
            try:
                answer = self._follow(url)
            except httpx.RequestError as error:
                self._stop.check()
                if last:
                    raise SourceUnreachable(shown(url), _reason(error), attempts=attempt) from None
                self._stop.sleep(self._wait(attempt, None))
                continue
            if answer.status < 300:
                return answer
            wished = self._retry_after(answer)
            if not (answer.status in TRANSIENT or answer.status >= 500):
                raise RequestRefused(shown(answer.url), answer.status, self.excerpt(answer.body))
            if last:
                raise SourceUnavailable(shown(answer.url), answer.status, attempts=attempt, retry_after_seconds=wished)
            self._stop.sleep(self._wait(attempt, wished))
        raise AssertionError("a policy has at least one attempt")

    def excerpt(self, body: bytes) -> str:
        """The beginning of a body, on one line, without our token and without any URL's query."""
        text = " ".join(body[:16384].decode("utf-8", "replace").split())
        if self._manners.token:
            text = text.replace(self._manners.token, "***")
        text = QUERY.sub(r"\1?…", text)
        return text[:EXCERPT_LENGTH] + ("…" if len(text) > EXCERPT_LENGTH else "")

    def _follow(self, url: httpx.URL) -> Answer:
        budget = Budget(shown(url), seconds=self._seconds(), size=self._manners.largest_body, check=self._stop.check)
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._ask(url, budget)
            if answer.status not in REDIRECTS or "location" not in answer.headers:
                return answer
            url = joined(url, answer.headers["location"])
        raise UrlRefused(shown(url), f"more than {MOST_REDIRECTS} redirects")

    def _ask(self, url: httpx.URL, budget: Budget) -> Answer:
        self._stop.check()
        timeouts = {"connect": CONNECT_SECONDS, "read": self._seconds(), "write": self._seconds(), "pool": 1.0}
        extensions = {"timeout": timeouts, "budget": budget}
        request = httpx.Request("GET", url, headers=self._headers(url), extensions=extensions)
        with _open(self._transport, request) as response:
            body = b"".join(self._chunks(response, budget))
        return Answer(url, response.status_code, response.headers, body)

    def _chunks(self, response: httpx.Response, budget: Budget) -> Iterator[bytes]:
        """The body as it comes. `iter_bytes` with a size would wait until it has that much."""
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            self._received += len(chunk)
            if size > budget.size:
                raise ResponseTooLarge(budget.where, budget.size)
            if self._received > self._manners.largest_run:
                raise ResponseTooLarge(budget.where, self._manners.largest_run)
            self._stop.check()
            yield chunk

    def _headers(self, url: httpx.URL) -> dict[str, str]:
        headers = {
            "accept": "application/json",
            "accept-encoding": "gzip, deflate",
            "user-agent": "scheduler-service",
        }
        if origin_of(url) == self._manners.origin:
            headers.update({name.lower(): value for name, value in self._manners.headers.items()})
            if self._manners.token:
                headers["authorization"] = f"Bearer {self._manners.token}"
        return headers

    def _seconds(self) -> float:
        return max(0.001, min(self._manners.timeout_seconds, self._stop.left()))

    def _retry_after(self, answer: Answer) -> float | None:
        return retry_after(answer.headers.get("retry-after"), self._clock.now())

    def _wait(self, attempt: int, wished: float | None) -> float:
        policy = self._manners.retry
        backoff = policy.backoff_seconds * 2 ** (attempt - 1) * random.uniform(0.5, 1)
        return min(policy.max_wait_seconds, backoff if wished is None else wished)


def joined(url: httpx.URL, target: str) -> httpx.URL:
    """Where a redirect or a next page leads; raises UrlRefused for what is not plain http or https."""
    try:
        found = url.join(target)
    except (httpx.InvalidURL, ValueError):
        raise UrlRefused(shown(url), "it leads to something that is no URL") from None
    if found.scheme not in ("http", "https") or not found.host:
        raise UrlRefused(shown(found), "only http and https are followed")
    if found.userinfo:
        raise UrlRefused(shown(found), "it holds credentials")
    return found


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header, given as seconds or as a date; None if it says nothing."""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now) / timedelta(seconds=1))
    except (ValueError, TypeError):  # no date; or one without a zone
        return None


@contextmanager
def _open(transport: GuardedTransport, request: httpx.Request) -> Iterator[httpx.Response]:
    response = transport.handle_request(request)
    response.request = request
    try:
        yield response
    finally:
        response.close()


def _reason(error: httpx.RequestError) -> str:
    return str(error) or type(error).__name__
