"""The admin's key: given by the settings, else made once and kept in the data directory."""

import secrets
from pathlib import Path

from pydantic import SecretStr

from scheduler_service.cli import data_dir
from scheduler_service.errors import CannotStart
from scheduler_service.settings import Settings

FILE_NAME = "admin_key"
SHORTEST = 16


def admin_key(settings: Settings) -> str:
    """The key that the API accepts from its admin. Processes that ask at the same moment get the same one.

    Raises: CannotStart, when no request could carry the given one, or the data directory cannot be written, or its key
    file holds no key.
    """
    if settings.admin_key is not None:
        return _sendable(settings.admin_key.get_secret_value())
    path = settings.data_dir / FILE_NAME
    if not path.exists():
        data_dir.prepare(settings.data_dir)
        data_dir.write_private_once(path, secrets.token_urlsafe(32) + "\n")
    return _read(path)


def with_kept_key(settings: Settings) -> Settings:
    """The settings with the key of the data directory, if none is given and one is there: a worker makes none."""
    path = settings.data_dir / FILE_NAME
    if settings.admin_key is not None or not path.exists():
        return settings
    return settings.model_copy(update={"admin_key": SecretStr(_read(path))})


def _sendable(key: str) -> str:
    if not (key.isascii() and key.isprintable() and key == key.strip()):  # no header would bring it as it is
        raise CannotStart("SCHEDULER_ADMIN_KEY may hold printable ASCII characters only, and no space at its ends.")
    return key


def _read(path: Path) -> str:
    try:
        key = path.read_text().strip()
    except OSError as why:
        raise CannotStart(f"The admin key in {path.absolute()} cannot be read ({why.strerror}).") from why
    if len(key) < SHORTEST:
        raise CannotStart(
            f"{path.absolute()} holds no key of at least {SHORTEST} characters: delete it, and a new one is made."
        )
    return key
