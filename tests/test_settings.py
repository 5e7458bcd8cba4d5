"""Every setting is in the table that operators read, and nothing else is."""

import re
from pathlib import Path

from scheduler_service.settings import Settings

TABLE = Path(__file__).parent.parent / "docs" / "settings.md"


def test_the_table_names_every_setting_with_its_meaning() -> None:
    rows = dict(re.findall(r"^\| `(SCHEDULER_\w+)` \|.*\| (.*) \|$", TABLE.read_text(), flags=re.M))

    assert rows == {f"SCHEDULER_{name.upper()}": field.description for name, field in Settings.model_fields.items()}
