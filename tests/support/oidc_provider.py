"""A small OpenID Connect provider, as a process: it signs in whoever the test says, and lies as it is told.

python -m tests.support.oidc_provider PORT
"""

import base64
import hashlib
import hmac
import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.waiting import eventually

CLIENT_ID, CLIENT_SECRET = "scheduler", "a secret/of the+client"


class Provider:
    """What it knows: its keys, the codes it gave, and what it was told to be."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.keys = [RSAKey.generate_key(2048, {"kid": "first"})]
        self.stranger = RSAKey.generate_key(2048, {"kid": "first"})
        self.codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {}
        self.lie = ""

    async def be(self, request: Request) -> Response:
        """For the test: whose claims to sign, and how to lie."""
        told = await request.json()
        self.claims, self.lie = told["claims"], told.get("lie", "")
        if self.lie == "new key":
            self.keys.insert(0, RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)}))
        return JSONResponse({})

    async def discovery(self, _request: Request) -> Response:
        places = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks"}
        return JSONResponse({"issuer": self.issuer} | {name: self.issuer + path for name, path in places.items()})

    async def jwks(self, _request: Request) -> Response:
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def authorize(self, request: Request) -> Response:
        """The page; the person at it is quick."""
        asked = dict(request.query_params)
        wanted = {"response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256"}
        if not wanted.items() <= asked.items() or "openid" not in asked["scope"].split():
            return Response(status_code=400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        said = {"error": "access_denied"} if self.lie == "denied" else {"code": code}
        issuer = "https://other.example" if self.lie == "another issuer" else self.issuer
        query = urlencode({**said, "state": asked["state"], "iss": issuer})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 303)

    async def token(self, request: Request) -> Response:
        """An ID token for a code: once, for our client, and for who knows the verifier."""
        given = dict(parse_qsl((await request.body()).decode()))
        asked = self.codes.pop(given.get("code", ""), None)
        challenge = _base64(hashlib.sha256(given["code_verifier"].encode()).digest())
        if (
            asked is None
            or not self._is_our_client(request.headers.get("authorization", ""))
            or given["redirect_uri"] != asked["redirect_uri"]
            or challenge.decode() != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        if self.lie == "broken":
            return Response("<html>", 502)
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "nonce": asked["nonce"]} | self.claims
        return JSONResponse({"id_token": self._signed({k: v for k, v in claims.items() if v is not None})})

    def _is_our_client(self, authorization: str) -> bool:
        quoted = urlencode({"": CLIENT_SECRET})[1:]
        expected = base64.b64encode(f"{CLIENT_ID}:{quoted}".encode()).decode()
        return authorization == f"Basic {expected}"

    def _signed(self, claims: dict[str, Any]) -> str:
        key = self.keys[0]
        if self.lie == "stranger":
            return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, self.stranger)
        if self.lie == "unsigned":
            return jwt.encode({"alg": "none"}, claims, OctKey.generate_key(256), algorithms=["none"])
        if self.lie == "public key as a secret":
            return self._keyed_with_what_all_know({"alg": "HS256", "kid": key.kid}, claims)
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)

    def _keyed_with_what_all_know(self, *parts: dict[str, Any]) -> str:
        """What a library would accept that takes the algorithm from the token and the key from the list."""
        signed = b".".join(_base64(json.dumps(part).encode()) for part in parts)
        secret = self.keys[0].as_pem(private=False)
        return (signed + b"." + _base64(hmac.new(secret, signed, hashlib.sha256).digest())).decode()


def _base64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


@contextmanager
def running(log: Path) -> Iterator[str]:
    """The process; its issuer."""
    port = free_port()
    process = Process([sys.executable, "-m", "tests.support.oidc_provider", str(port)], {}, log)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: _answers(url), within=20)
    yield url
    process.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/jwks").status_code == 200
    except httpx.TransportError:
        return False


def main() -> None:
    port = int(sys.argv[1])
    provider = Provider(port)
    routes = [
        Route("/be", provider.be, methods=["POST"]),
        Route("/.well-known/openid-configuration", provider.discovery),
        Route("/jwks", provider.jwks),
        Route("/authorize", provider.authorize),
        Route("/token", provider.token, methods=["POST"]),
    ]
    uvicorn.run(Starlette(routes=routes), port=port, log_level="warning")


if __name__ == "__main__":
    main()
