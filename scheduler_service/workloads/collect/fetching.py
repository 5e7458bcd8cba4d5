"""One answer from a source: redirects by hand, retries with patience, and nothing secret in what is said about it.

Transient: no connection, a broken or slow one, 408, 425, 429 and 5xx. A `Retry-After` is honoured, in seconds or as
a date, up to the policy's cap.
"""

import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import IO, Self

import httpx

from scheduler_service.errors import RequestRefused, ResponseTooLarge, SourceUnavailable, SourceUnreachable, UrlRefused
from scheduler_service.timing.clock import Clock
from scheduler_service.workloads.collect.credentials import credentials_for
from scheduler_service.workloads.collect.definitions import RetryPolicy
from scheduler_service.workloads.collect.guard import Budget, GuardedTransport
from scheduler_service.workloads.connections import Auth
from scheduler_service.workloads.stopping import Stop

MOST_REDIRECTS = 5
LARGEST_BODY = 64 * 2**20
LARGEST_RUN = 4 * 2**30
LARGEST_COMPLAINT = 16384
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
    """How to ask: headers and credentials for the first origin only, the pace, the policy and the bounds."""

    origin: tuple[str, str, int | None]
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: Auth | None = field(default=None, repr=False)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeout_seconds: float = 30.0
    requests_per_second: float | None = None
    accept: str = "application/json"
    largest_body: int = LARGEST_BODY
    largest_run: int = LARGEST_RUN


@dataclass(frozen=True)
class Asking:
    """One request, before the manners; a body that is welcome goes `into` a file."""

    url: httpx.URL
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = field(default=None, repr=False)
    into: IO[bytes] | None = None


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
        self._next_turn = 0.0
        self._credentials = credentials_for(manners.auth, self._post)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._transport.close()

    def get(self, url: httpx.URL, *, into: IO[bytes] | None = None) -> Answer:
        """The answer, after as many tries as the policy has; its body goes `into` a file, if there is one. Raises
        RequestRefused, SourceUnavailable, SourceUnreachable, AddressRefused, UrlRefused, ResponseTooLarge."""
        return self._patiently(Asking(url, into=into))

    def excerpt(self, body: bytes) -> str:
        """The beginning of a body, on one line, without our secrets and without any URL's query."""
        text = " ".join(body[:LARGEST_COMPLAINT].decode("utf-8", "replace").split())
        for secret in self._credentials.secrets():
            text = text.replace(secret, "***")
        text = QUERY.sub(r"\1?…", text)
        return text[:EXCERPT_LENGTH] + ("…" if len(text) > EXCERPT_LENGTH else "")

    def _post(self, url: str, headers: dict[str, str], content: bytes) -> bytes:
        return self._patiently(Asking(httpx.URL(url), "POST", headers, content)).body

    def _patiently(self, asking: Asking) -> Answer:
        policy, url = self._manners.retry, asking.url
        for attempt in range(1, policy.attempts + 1):
            last = attempt == policy.attempts
            try:
                answer = self._follow(asking)
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

    def _follow(self, asking: Asking) -> Answer:
        """Redirects, and once more with other credentials. Only what is read follows: a form with secrets does not."""
        for again in (False, True):
            where = shown(asking.url)
            budget = Budget(where, seconds=self._seconds(), size=self._manners.largest_body, check=self._stop.check)
            answer = self._arrive(asking, budget)
            ours = asking.method == "GET" and origin_of(answer.url) == self._manners.origin
            if answer.status != 401 or again or not (ours and self._credentials.renewed()):
                break
        return answer

    def _arrive(self, asking: Asking, budget: Budget) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._ask(asking, budget)
            if asking.method != "GET" or answer.status not in REDIRECTS or "location" not in answer.headers:
                return answer
            asking = replace(asking, url=joined(asking.url, answer.headers["location"]))
        raise UrlRefused(budget.where, f"more than {MOST_REDIRECTS} redirects")

    def _ask(self, asking: Asking, budget: Budget) -> Answer:
        signed, headers = self._signed(asking)
        self._wait_for_turn()
        timeouts = {"connect": CONNECT_SECONDS, "read": self._seconds(), "write": self._seconds(), "pool": 1.0}
        extensions = {"timeout": timeouts, "budget": budget}
        request = httpx.Request(asking.method, signed, headers=headers, content=asking.content, extensions=extensions)
        with _open(self._transport, request) as response:
            body = self._body(response, asking, budget)
        return Answer(asking.url, response.status_code, response.headers, body)

    def _body(self, response: httpx.Response, asking: Asking, budget: Budget) -> bytes:
        """All of it, where it is wanted; else as much as there is to say about it."""
        chunks = self._chunks(response, budget)
        if response.status_code >= 300:
            body = b""
            while len(body) < LARGEST_COMPLAINT and (chunk := next(chunks, None)):
                body += chunk
            return body
        if asking.into is None:
            return b"".join(chunks)
        asking.into.seek(0)
        asking.into.truncate()
        for chunk in chunks:
            asking.into.write(chunk)
        asking.into.flush()
        return b""

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

    def _signed(self, asking: Asking) -> tuple[httpx.URL, dict[str, str]]:
        """The URL and headers as they are sent."""
        headers = {
            "accept": self._manners.accept,
            "accept-encoding": "gzip, deflate",
            "user-agent": "scheduler-service",
        }
        if asking.method != "GET" or origin_of(asking.url) != self._manners.origin:
            return asking.url, {**headers, **asking.headers}
        headers |= {name.lower(): value for name, value in self._manners.headers.items()}
        params = self._credentials.params()
        url = asking.url.copy_merge_params(params) if params else asking.url
        return url, {**headers, **self._credentials.headers()}

    def _wait_for_turn(self) -> None:
        """Keep to the pace."""
        self._stop.check()
        if self._manners.requests_per_second is None:
            return
        now = time.monotonic()
        if now < self._next_turn:
            self._stop.sleep(self._next_turn - now)
        self._next_turn = max(now, self._next_turn) + 1 / self._manners.requests_per_second

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
