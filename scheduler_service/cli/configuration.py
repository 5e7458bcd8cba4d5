"""Reading the settings, and saying in one sentence which variable is wrong.

A value is never repeated: it may hold a password.
"""

from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError

from scheduler_service.cli import data_dir
from scheduler_service.errors import CannotStart
from scheduler_service.settings import Settings

PREFIX = "SCHEDULER_"


def read_settings() -> Settings:
    """The settings of this process's environment. Raises: CannotStart, naming every wrong variable."""
    try:
        return Settings()
    except ValidationError as why:
        raise CannotStart("; ".join(_problem(error["loc"], error["msg"]) for error in why.errors()) + ".") from None
    except SettingsError as why:
        raise CannotStart(f"{why}.") from None


def database_url(settings: Settings) -> str:
    """The database's URL, its folder made when it is a file. Raises: CannotStart, when neither is possible."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if settings.database_url is None:
        data_dir.prepare(settings.data_dir)
        return settings.database
    try:
        url = make_url(settings.database)
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        raise CannotStart(
            "SCHEDULER_DATABASE_URL is not a database URL; one looks like postgresql://user:password@host/name."
        ) from None
    except OSError as why:
        raise CannotStart(f"SCHEDULER_DATABASE_URL: its folder cannot be made ({why.strerror}).") from None
    return settings.database


def broker_url(settings: Settings) -> str | None:
    """The one of the settings, else that of the embedded broker, if it ever ran here."""
    if settings.broker_url is not None:
        return settings.broker_url.get_secret_value()
    kept = settings.data_dir / "valkey" / "broker_url"
    return kept.read_text().strip() if kept.is_file() else None


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{field.upper()}"


def _problem(location: tuple[int | str, ...], message: str) -> str:
    return f"{variable(str(location[0]))}: {message[:1].lower()}{message[1:]}"
