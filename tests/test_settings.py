"""Every setting is in the table that operators read, and nothing else is."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from scheduler_service.settings import Settings

TABLE = Path(__file__).parent.parent / "docs" / "settings.md"


def test_the_table_names_every_setting_with_its_meaning() -> None:
    rows = dict(re.findall(r"^\| `(SCHEDULER_\w+)` \|.*\| (.*) \|$", TABLE.read_text(), flags=re.M))

    assert rows == {f"SCHEDULER_{name.upper()}": field.description for name, field in Settings.model_fields.items()}


def test_a_duration_is_told_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    durations = [name for name, field in Settings.model_fields.items() if isinstance(field.default, timedelta)]
    for name in durations:
        monkeypatch.setenv(f"SCHEDULER_{name.upper()}", "172800")

    settings = Settings()

    assert len(durations) > 5
    assert {getattr(settings, name) for name in durations} == {timedelta(days=2)}
