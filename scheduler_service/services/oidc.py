"""Sign-in with an OpenID Connect provider: authorization code with PKCE, the ID token checked against its keys.

All that one sign-in needs to remember is derived from one secret, which only the browser that began it holds.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import BoundedSemaphore, Lock
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from scheduler_service.errors import NoRole, ProviderAway, SignInFailed
from scheduler_service.services.roles import ROLES, Identity, Role

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
LEEWAY_SECONDS = 60
TIMEOUT_SECONDS = 10.0
MOST_WAITING = 4  # anybody may begin a sign-in: a provider that hangs must not take all threads
ANYBODY = "*"


@dataclass(frozen=True)
class Provider:
    """The provider, as the operator describes it. `roles`: value of the claim → role; `*`: whoever signs in."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    roles: Mapping[str, Role]
    role_claim: str = "roles"
    scope: str = "openid email profile"


@dataclass(frozen=True)
class Attempt:
    """One sign-in under way. The state and nonce tell nothing of the secret, nor of each other."""

    secret: str = field(repr=False)

    @classmethod
    def begun(cls) -> "Attempt":
        return cls(secrets.token_urlsafe(32))

    def part(self, name: str) -> str:
        """`state`, `nonce` or `verifier`."""
        made = hmac.new(self.secret.encode("utf-8", "surrogatepass"), name.encode(), hashlib.sha256).digest()
        return _base64(made)


class SignInProvider:
    """Speaks with the provider. What it publishes is read when first needed, and its keys again for a new key."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._metadata: dict[str, Any] | None = None
        self._keys: KeySet | None = None
        self._lock, self._room = Lock(), BoundedSemaphore(MOST_WAITING)

    def page(self, attempt: Attempt, *, redirect_uri: str) -> str:
        """Where the person signs in. Raises: ProviderAway."""
        asked = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": self._provider.scope,
            "state": attempt.part("state"),
            "nonce": attempt.part("nonce"),
            "code_challenge": _base64(hashlib.sha256(attempt.part("verifier").encode()).digest()),
            "code_challenge_method": "S256",
        }
        with self._waiting():
            page = self._place("authorization_endpoint")
        return f"{page}{'&' if '?' in page else '?'}{urlencode(asked)}"

    def identify(self, attempt: Attempt, *, code: str, redirect_uri: str, now: datetime) -> Identity:
        """Who signed in. Raises: SignInFailed, NoRole, ProviderAway."""
        with self._waiting():
            claims = self._claims(self._id_token(attempt, code, redirect_uri))
        self._check(claims, attempt, now)
        actor = f"user:{_name(claims)}"
        role = self._role(claims)
        if role is None:
            raise NoRole(actor)
        return Identity(actor, role)

    def require_issuer(self, issuer: str | None) -> None:
        """Refuse the answer of another provider (RFC 9207). Raises: SignInFailed."""
        if issuer is not None and issuer != self._provider.issuer:
            raise SignInFailed("the answer is another provider's")

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise ProviderAway("too many sign-ins wait for it already")
        try:
            yield
        finally:
            self._room.release()

    def _id_token(self, attempt: Attempt, code: str, redirect_uri: str) -> str:
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.part("verifier"),
        }
        us = (quote_plus(self._provider.client_id), quote_plus(self._provider.client_secret))  # RFC 6749, 2.3.1
        answer = _asked("POST", self._place("token_endpoint"), data=asked, auth=us)
        if answer.status_code >= 500:
            raise ProviderAway(f"it answered {answer.status_code}")
        token = _object(answer).get("id_token")
        if answer.status_code != 200 or not isinstance(token, str):
            raise SignInFailed("the provider gave no ID token for the code")
        return token

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            try:
                return jwt.decode(token, self._published(), algorithms=ALGORITHMS).claims
            except InvalidKeyIdError:  # it may have a new key
                return jwt.decode(token, self._published(anew=True), algorithms=ALGORITHMS).claims
        except (JoseError, ValueError) as why:
            raise SignInFailed("the ID token is not signed by the provider") from why

    def _check(self, claims: dict[str, Any], attempt: Attempt, now: datetime) -> None:
        own = self._provider.client_id
        registry = JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._provider.issuer},
            aud={"essential": True, "value": own},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": attempt.part("nonce")},
        )
        try:
            registry.validate(claims)
        except JoseError as why:
            raise SignInFailed("the ID token is not for this sign-in") from why
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else own) != own:
            raise SignInFailed("the ID token was made for another client")

    def _role(self, claims: dict[str, Any]) -> Role | None:
        said: Any = claims
        for part in self._provider.role_claim.split("."):
            said = said.get(part) if isinstance(said, dict) else None
        values = [str(value) for value in said] if isinstance(said, list) else [str(said)]
        mapped = [self._provider.roles[value] for value in (*values, ANYBODY) if value in self._provider.roles]
        return max(mapped, key=ROLES.index, default=None)

    def _place(self, name: str) -> str:
        with self._lock:
            if self._metadata is None:
                self._metadata = self._discovered()
        place = self._metadata.get(name)
        if not isinstance(place, str):
            raise ProviderAway(f"it does not say its {name}")
        return place

    def _discovered(self) -> dict[str, Any]:
        place = f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        metadata = _object(_asked("GET", place))
        if metadata.get("issuer") != self._provider.issuer:
            raise ProviderAway("it calls itself otherwise than SCHEDULER_OIDC_ISSUER")
        return metadata

    def _published(self, *, anew: bool = False) -> KeySet:
        place = self._place("jwks_uri")
        with self._lock:
            if self._keys is None or anew:
                try:
                    self._keys = KeySet.import_key_set(_object(_asked("GET", place)))  # type: ignore[arg-type]
                except (JoseError, KeyError, ValueError) as why:
                    raise ProviderAway("its keys cannot be read") from why
            return self._keys


def _asked(method: str, url: str, **options: Any) -> httpx.Response:
    try:
        return httpx.request(method, url, timeout=TIMEOUT_SECONDS, **options)
    except httpx.HTTPError as why:
        raise ProviderAway("it cannot be reached") from why


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ProviderAway(f"it answered {answer.status_code}, and not with a JSON object")
    return body


def _name(claims: dict[str, Any]) -> str:
    """What people call them; an address that the provider did not verify could be anyone's."""
    email = claims.get("email") if claims.get("email_verified", True) is True else None
    name = email if isinstance(email, str) and email else str(claims["sub"])
    return "".join(character for character in name if character.isprintable())[:200]


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
