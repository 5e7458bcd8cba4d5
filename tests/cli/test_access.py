"""Where the API listens, with or without TLS, and what it says of it."""

import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cli.foreground import command, environment
from tests.support.ports import free_port
from tests.support.processes import Process

KEY = "a-key-that-only-tests-know"


@contextmanager
def api(tmp_path: Path, database_url: str, port: int, **settings: object) -> Iterator[Process]:
    env = environment(data_dir=tmp_path / "data", database_url=database_url, api_port=port, admin_key=KEY, **settings)
    process = Process([sys.executable, "-m", "scheduler_service.cli", "api"], env, tmp_path / "api.log")
    try:
        process.wait_for("Uvicorn running")
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of localhost, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "certificate.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "certificate.pem", folder / "key.pem"


@pytest.mark.takes(5)
def test_with_a_certificate_it_speaks_https_and_its_cookies_stay_there(
    sqlite_url: str, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    port, (public, private) = free_port(), certificate
    settings = {"tls_certificate": public, "tls_key": private, "api_host": "0.0.0.0"}
    with api(tmp_path, sqlite_url, port, **settings) as process:
        with httpx.Client(base_url=f"https://localhost:{port}/api/v1", verify=_trusting(public)) as client:
            answer = client.post("/sign-in", json={"key": KEY})
            me = client.get("/me")
        log = process.log

    assert "; Secure" in answer.headers["set-cookie"]
    assert me.json()["actor"] == "admin"
    assert "without TLS" not in log


@pytest.mark.takes(5)
@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        ({"api_host": "0.0.0.0"}, True),
        ({"api_host": "0.0.0.0", "trusted_proxies": "10.0.0.0/8"}, False),
        ({"api_host": "127.0.0.1"}, False),
    ],
    ids=str,
)
def test_where_keys_can_be_overheard_it_says_so_in_words(
    sqlite_url: str, tmp_path: Path, settings: dict[str, str], warned: bool
) -> None:
    with api(tmp_path, sqlite_url, free_port(), **settings) as process:
        log = process.log

    assert ("listens on 0.0.0.0 without TLS: whoever is on the way can read keys" in log) == warned


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"tls_certificate": "x.pem"}, "SCHEDULER_TLS_CERTIFICATE: "),
        ({"tls_key": "x.pem"}, "SCHEDULER_TLS_CERTIFICATE is not set"),
        ({"oidc_issuer": "https://id.example", "oidc_client_id": "us"}, "SCHEDULER_OIDC_ISSUER needs "),
        ({"oidc_roles": "ops"}, "SCHEDULER_OIDC_ROLES: "),
        ({"oidc_roles": "ops=boss"}, "SCHEDULER_OIDC_ROLES: "),
        ({"trusted_proxies": "my proxy"}, "SCHEDULER_TRUSTED_PROXIES: "),
        ({"public_url": "schedules.example"}, "SCHEDULER_PUBLIC_URL: "),
        ({"session_idle": "5"}, "SCHEDULER_SESSION_IDLE: "),
        ({"admin_key": "short-secret"}, "SCHEDULER_ADMIN_KEY: "),
        ({"admin_key": "a-line-break-at-its-end\n"}, "SCHEDULER_ADMIN_KEY may "),
        ({"admin_key": "schlüssel-mit-umlaut"}, "SCHEDULER_ADMIN_KEY may "),
    ],
    ids=str,
)
def test_what_is_half_said_is_refused_in_one_sentence(
    sqlite_url: str, tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    refused = command("api", data_dir=tmp_path / "data", database_url=sqlite_url, api_port=free_port(), **settings)

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Error: {sentence}")
    assert len(refused.stderr.splitlines()) == 1
    assert "short-secret" not in refused.stderr + refused.stdout


def _trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))
