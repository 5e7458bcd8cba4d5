"""The admin's key: made once, whoever asks first."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scheduler_service.cli.admin_key import admin_key
from scheduler_service.errors import CannotStart
from scheduler_service.settings import Settings


def test_a_given_key_is_taken_and_not_kept(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "admin_key": "a-key-from-the-operator"})

    assert admin_key(settings) == "a-key-from-the-operator"
    assert not list(tmp_path.iterdir())


def test_all_who_ask_at_the_same_moment_get_the_same_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "var")

    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: admin_key(settings), range(64)))

    assert len(keys) == 1
    assert [path.name for path in settings.data_dir.iterdir()] == ["admin_key"]


def test_an_empty_key_file_is_refused_rather_than_letting_everybody_in(tmp_path: Path) -> None:
    (tmp_path / "admin_key").write_text("\n")

    with pytest.raises(CannotStart, match="holds no key of at least 16 characters"):
        admin_key(Settings(data_dir=tmp_path))
