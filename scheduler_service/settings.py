"""What an operator may set, by environment variables that start with SCHEDULER_.

Read once, where a process starts; everything below gets what it needs as arguments.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, IPvAnyNetwork, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _seconds(value: object) -> object:
    """A plain number is seconds, as the table in the docs says; pydantic would take it for a piece of ISO 8601."""
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


Seconds = Annotated[timedelta, BeforeValidator(_seconds)]


class Settings(BaseSettings):
    """Every setting, with its safe default. Secrets never show in a repr."""

    model_config = SettingsConfigDict(env_prefix="SCHEDULER_", frozen=True, extra="ignore")

    database_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL; default: SQLite in the data directory"
    )
    broker_url: SecretStr | None = Field(default=None, description="Celery broker URL; `up` default: its own Valkey")
    result_backend: SecretStr | None = Field(default=None, description="Celery result backend URL; default: the broker")
    warehouse_url: SecretStr | None = Field(
        default=None, description="PostgreSQL URL of the warehouse; default: a DuckDB file in the data directory"
    )
    connections_file: Path | None = Field(
        default=None, description="YAML or TOML file of named connections, for its owner's eyes only"
    )
    data_dir: Path = Field(default=Path("var"), description="Everything the service keeps on disk")
    api_host: str = Field(default="127.0.0.1", description="Address the API listens on")
    api_port: int = Field(default=8000, ge=1, le=65535, description="Port the API listens on")
    api_url: str | None = Field(default=None, description="Where the workers reach the API; default: its host and port")
    admin_key: SecretStr | None = Field(
        default=None, min_length=16, description="The admin's API key; default: made once, kept in the data directory"
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#\s]+/?$",
        description="Where browsers reach the API, as https://host; default: what each request says",
    )
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        default=(), description="Proxies, as addresses or CIDRs, whose X-Forwarded-For and -Proto are believed"
    )
    tls_certificate: Path | None = Field(default=None, description="PEM file of a certificate: the API speaks HTTPS")
    tls_key: Path | None = Field(default=None, description="PEM file of the certificate's private key")
    session_idle: Seconds = Field(
        default=timedelta(hours=12), description="A console session ends so long after its last use"
    )
    session_lifetime: Seconds = Field(default=timedelta(days=7), description="A console session lasts so long at most")
    rate_limit_key: int = Field(default=12_000, ge=0, description="Requests a minute with one key; 0: any number")
    rate_limit_address: int = Field(
        default=12_000, ge=0, description="Requests a minute from one address; 0: any number"
    )
    rate_limit_bad_keys: int = Field(
        default=30, ge=0, description="Unknown keys a minute from one address; 0: any number"
    )
    oidc_issuer: str | None = Field(
        default=None, pattern=r"^https?://\S+$", description="OpenID Connect provider for sign-in, by its issuer URL"
    )
    oidc_client_id: str | None = Field(default=None, description="What the provider calls this service")
    oidc_client_secret: SecretStr | None = Field(default=None, description="The service's secret with the provider")
    oidc_scope: str = Field(default="openid email profile", description="What the provider is asked for")
    oidc_role_claim: str = Field(
        default="roles", description="Claim of the ID token that decides the role; dots lead inside"
    )
    oidc_roles: Annotated[dict[str, Literal["viewer", "operator", "admin"]], NoDecode] = Field(
        default={}, description="value=role, comma-separated: the claim's values and their roles; *=role for anybody"
    )
    require_if_match: bool = Field(default=False, description="Refuse PUT, PATCH and DELETE without If-Match (428)")
    dispatch_deadline: Seconds = Field(
        default=timedelta(hours=24), description="How long an unsent run waits for the broker before it is `expired`"
    )
    republish_after: Seconds = Field(
        default=timedelta(hours=6),
        description="Last resort: when a run that no worker took is sent again, twice as late each time",
    )
    keep_runs: Seconds = Field(
        default=timedelta(days=90), description="How long finished runs are kept; a day at least"
    )
    keep_audit: Seconds = Field(default=timedelta(days=400), description="How long the audit trail is kept")
    keep_artifacts: Seconds = Field(
        default=timedelta(days=90), description="How long artifacts and deliveries of reports are kept"
    )
    result_expires: Seconds = Field(default=timedelta(days=1), description="How long Celery results are kept")
    concurrency: int = Field(default=2, ge=1, description="Processes of each worker")
    child_memory_mb: int = Field(
        default=300, ge=50, description="A worker's process that has taken more memory is replaced after its task"
    )
    outbound_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="host:port or CIDR, comma-separated: private addresses a collect may reach"
    )
    file_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Folders a collect may read, comma-separated; default: `inbox` in the data directory"
    )
    font_dirs: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Folders of more fonts for reports, comma-separated; Latin and Chinese are brought"
    )
    etl_memory_mb: int = Field(
        default=2048, ge=512, description="Memory that one run of a pipeline may take, in MiB, in a process of its own"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="How much is logged")

    @field_validator("outbound_allow", "file_roots", "font_dirs", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("oidc_roles", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = (pair.rpartition("=") for pair in value.split(",") if pair.strip())
        return {claimed.strip(): role.strip() for claimed, _, role in pairs}

    @field_validator("session_idle", "session_lifetime")
    @classmethod
    def _at_least_a_minute(cls, value: timedelta) -> timedelta:
        if value < timedelta(minutes=1):
            raise ValueError("a minute (60) is the least")
        return value

    @field_validator("keep_runs", "keep_audit", "keep_artifacts")
    @classmethod
    def _at_least_a_day(cls, value: timedelta) -> timedelta:
        if value < timedelta(days=1):
            raise ValueError("a day (86400) is the least")
        return value

    @property
    def database(self) -> str:
        """The database's URL, its default filled in."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.absolute() / 'scheduler.db'}"

    @property
    def warehouse_file(self) -> Path:
        """The default warehouse, which the workers write and the API shows."""
        return self.data_dir.absolute() / "warehouse.duckdb"

    @property
    def warehouse_server(self) -> str | None:
        """The URL of the warehouse, if it is a server."""
        return self.warehouse_url.get_secret_value() if self.warehouse_url is not None else None

    @property
    def self_url(self) -> str:
        """Where a worker reaches the API."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.api_host, self.api_host)
        scheme = "https" if self.tls_certificate else "http"
        return self.api_url or f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.api_port}"
