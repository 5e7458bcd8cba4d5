"""What an operator may set, by environment variables that start with SCHEDULER_.

Read once, where a process starts; everything below gets what it needs as arguments.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting, with its safe default. Secrets never show in a repr."""

    model_config = SettingsConfigDict(env_prefix="SCHEDULER_", frozen=True, extra="ignore")

    database_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL; default: SQLite in the data directory"
    )
    broker_url: SecretStr | None = Field(default=None, description="Celery broker URL; `up` default: its own Valkey")
    result_backend: SecretStr | None = Field(default=None, description="Celery result backend URL; default: the broker")
    data_dir: Path = Field(default=Path("var"), description="Everything the service keeps on disk")
    api_host: str = Field(default="127.0.0.1", description="Address the API listens on")
    api_port: int = Field(default=8000, ge=1, le=65535, description="Port the API listens on")
    api_url: str | None = Field(default=None, description="Where the workers reach the API; default: its host and port")
    admin_key: SecretStr | None = Field(
        default=None, min_length=16, description="The admin's API key; default: made once, kept in the data directory"
    )
    dispatch_deadline: timedelta = Field(
        default=timedelta(hours=24), description="How long an unsent run waits for the broker before it is `expired`"
    )
    republish_after: timedelta = Field(
        default=timedelta(hours=6),
        description="Last resort: when a run that no worker took is sent again, twice as late each time",
    )
    keep_runs: timedelta = Field(
        default=timedelta(days=90), description="How long finished runs are kept; a day at least"
    )
    keep_audit: timedelta = Field(default=timedelta(days=400), description="How long the audit trail is kept")
    result_expires: timedelta = Field(default=timedelta(days=1), description="How long Celery results are kept")
    concurrency: int = Field(default=2, ge=1, description="Processes of each worker")
    outbound_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="host:port or CIDR, comma-separated: private addresses a collect may reach"
    )
    file_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Folders a collect may read, comma-separated; default: `inbox` in the data directory"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="How much is logged")

    @field_validator("outbound_allow", "file_roots", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("keep_runs", "keep_audit")
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
    def self_url(self) -> str:
        """Where a worker reaches the API."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.api_host, self.api_host)
        return self.api_url or f"http://{f'[{host}]' if ':' in host else host}:{self.api_port}"
