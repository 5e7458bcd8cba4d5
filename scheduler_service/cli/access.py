"""Who may reach the API and who gets in, read from the settings; and a warning where a key could be overheard."""

import ipaddress
from pathlib import Path

from scheduler_service.api.access import Access
from scheduler_service.cli.configuration import variable
from scheduler_service.errors import CannotStart
from scheduler_service.services.oidc import Provider
from scheduler_service.settings import Settings

OVERHEARD = (
    "The API listens on %s without TLS: whoever is on the way can read keys and sessions. Set "
    "SCHEDULER_TLS_CERTIFICATE and SCHEDULER_TLS_KEY, or put a TLS proxy in front and name it in "
    "SCHEDULER_TRUSTED_PROXIES, or listen on 127.0.0.1."
)


def access(settings: Settings) -> Access:
    """What the operator decided. Raises: CannotStart, when part of it is missing."""
    return Access(
        trusted_proxies=tuple(str(proxy) for proxy in settings.trusted_proxies),
        public_url=settings.public_url,
        session_idle=settings.session_idle,
        session_lifetime=settings.session_lifetime,
        per_key=settings.rate_limit_key,
        per_address=settings.rate_limit_address,
        bad_keys=settings.rate_limit_bad_keys,
        provider=_provider(settings),
    )


def tls_files(settings: Settings) -> tuple[Path | None, Path | None]:
    """The certificate and its key, both or neither. Raises: CannotStart, when one is missing or cannot be read."""
    files = {"tls_certificate": settings.tls_certificate, "tls_key": settings.tls_key}
    if not any(files.values()):
        return None, None
    for name, file in files.items():
        if file is None:
            raise CannotStart(f"{variable(name)} is not set: TLS needs a certificate and its key.")
        try:
            file.open().close()
        except OSError as why:
            raise CannotStart(f"{variable(name)}: {file.absolute()} cannot be read ({why.strerror}).") from why
    return settings.tls_certificate, settings.tls_key


def can_be_overheard(settings: Settings) -> bool:
    """Whether keys cross a network as they are, for all we know."""
    if settings.tls_certificate or settings.trusted_proxies or settings.api_host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(settings.api_host).is_loopback
    except ValueError:  # a name
        return True


def _provider(settings: Settings) -> Provider | None:
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None or settings.oidc_client_secret is None or not settings.oidc_roles:
        raise CannotStart(
            "SCHEDULER_OIDC_ISSUER needs SCHEDULER_OIDC_CLIENT_ID, SCHEDULER_OIDC_CLIENT_SECRET and "
            "SCHEDULER_OIDC_ROLES beside it."
        )
    return Provider(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        roles=settings.oidc_roles,
        role_claim=settings.oidc_role_claim,
        scope=settings.oidc_scope,
    )
