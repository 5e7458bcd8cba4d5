"""What an origin is shown, so that it knows us: by header or parameter, fixed or fetched.

Nothing here is ever sent to another origin, and no text that came from one repeats it.
"""

import base64
import json
import time
from collections.abc import Callable
from urllib.parse import quote, urlencode

from scheduler_service.errors import RequestRefused
from scheduler_service.workloads.connections import Auth, BasicAuth, BearerAuth, KeyAuth, OAuth2Auth

EARLY_SECONDS = 60.0
DEFAULT_LIFETIME_SECONDS = 300.0

#: Sends a form: URL, headers, body; gives the body of a successful answer.
Post = Callable[[str, dict[str, str], bytes], bytes]


class Credentials:
    """None at all; those below are shown."""

    def headers(self) -> dict[str, str]:
        return {}

    def params(self) -> dict[str, str]:
        return {}

    def renewed(self) -> bool:
        """Whether, after a refusal, there is something new to show."""
        return False

    def secrets(self) -> list[str]:
        """What no text may repeat."""
        return []


class Fixed(Credentials):
    """The same for every request."""

    def __init__(self, auth: BearerAuth | KeyAuth | BasicAuth) -> None:
        self._headers: dict[str, str] = {}
        self._params: dict[str, str] = {}
        match auth:
            case BearerAuth():
                self._secret = auth.token.get_secret_value()
                self._headers["authorization"] = f"Bearer {self._secret}"
            case BasicAuth():
                self._secret = auth.password.get_secret_value()
                self._headers["authorization"] = basic(auth.user, self._secret)
            case KeyAuth():
                self._secret = auth.key.get_secret_value()
                place = self._headers if auth.placed == "header" else self._params
                place[auth.name.lower() if auth.placed == "header" else auth.name] = self._secret

    def headers(self) -> dict[str, str]:
        return self._headers

    def params(self) -> dict[str, str]:
        return self._params

    def secrets(self) -> list[str]:
        return [self._secret, *(value.partition(" ")[2] for value in self._headers.values() if " " in value)]


class Fetched(Credentials):
    """An OAuth 2.0 access token, fetched when it is needed, anew a minute before it expires and once on a refusal."""

    def __init__(self, auth: OAuth2Auth, post: Post, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._auth, self._post, self._monotonic = auth, post, monotonic
        self._token: str | None = None
        self._until = 0.0

    def headers(self) -> dict[str, str]:
        if self._token is None or self._monotonic() >= self._until:
            self._token, lifetime = self._fetch()
            self._until = self._monotonic() + max(0.0, lifetime - EARLY_SECONDS)
        return {"authorization": f"Bearer {self._token}"}

    def renewed(self) -> bool:
        self._token = None
        return True

    def secrets(self) -> list[str]:
        return [secret for secret in (self._token, self._auth.client_secret.get_secret_value()) if secret]

    def _fetch(self) -> tuple[str, float]:
        auth, secret = self._auth, self._auth.client_secret.get_secret_value()
        form, headers = {"grant_type": "client_credentials"}, {"content-type": "application/x-www-form-urlencoded"}
        if auth.scope:
            form["scope"] = auth.scope
        if auth.placed == "basic":
            headers["authorization"] = basic(quote(auth.client_id, safe=""), quote(secret, safe=""))
        else:
            form |= {"client_id": auth.client_id, "client_secret": secret}
        try:
            found = json.loads(self._post(auth.token_url, headers, urlencode(form).encode()))
            token, lifetime = found["access_token"], float(found.get("expires_in") or DEFAULT_LIFETIME_SECONDS)
        except (ValueError, KeyError, TypeError):
            raise RequestRefused(auth.token_url.partition("?")[0], 200, "there is no access_token in it") from None
        return str(token), lifetime


def credentials_for(auth: Auth | None, post: Post) -> Credentials:
    """What a connection's `auth` means; `post` reaches the place of tokens."""
    if auth is None:
        return Credentials()
    return Fetched(auth, post) if isinstance(auth, OAuth2Auth) else Fixed(auth)


def basic(user: str, password: str) -> str:
    """The Authorization header of user and password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
