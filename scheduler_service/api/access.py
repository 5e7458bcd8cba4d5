"""What the operator decides about who gets in, from where, and how often."""

from dataclasses import dataclass
from datetime import timedelta

from scheduler_service.services.oidc import Provider


@dataclass(frozen=True)
class Access:
    """The safe defaults. Limits are requests a minute; 0: any number."""

    trusted_proxies: tuple[str, ...] = ()
    public_url: str | None = None  # where browsers reach us, when they are not told the truth by their requests
    session_idle: timedelta = timedelta(hours=12)
    session_lifetime: timedelta = timedelta(days=7)
    per_key: int = 12_000
    per_address: int = 12_000
    bad_keys: int = 30
    provider: Provider | None = None


SAFE = Access()
