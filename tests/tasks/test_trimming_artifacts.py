"""Old artifacts go with their files, and files that have no row."""

import os
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from scheduler_service.storage.session import Database
from scheduler_service.tasks.maintenance_tasks import trim_artifacts
from tests.services.reporting import TO_SHARE, Office
from tests.support.clock import ManualClock

KEEP = timedelta(days=90)


def aged(path: Path, *, days: float) -> None:
    at = time.time() - days * 86400
    os.utime(path, (at, at))


def test_what_is_older_than_is_kept_goes_with_its_file(
    held_database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    office = Office(held_database, tmp_path)
    office.run(office.report(deliver=[TO_SHARE]))
    made_at = office.artifacts()[0].created_at  # by the database's own clock

    clock.set(made_at + KEEP)
    before = trim_artifacts(held_database, office.site.places.files, keep=KEEP)
    clock.advance(timedelta(minutes=1))
    after = trim_artifacts(held_database, office.site.places.files, keep=KEEP)

    assert (before["artifacts"], after) == (0, {"artifacts": 1, "deliveries": 1})
    assert (office.artifacts(), office.deliveries(), office.kept()) == ([], [], [])


def test_a_file_without_a_row_goes_when_it_will_never_get_one(held_database: Database, tmp_path: Path) -> None:
    office = Office(held_database, tmp_path)
    office.run(office.report())
    (kept,) = office.kept()
    lost, half, fresh = (tmp_path / "artifacts" / name for name in (str(uuid4()), f"{uuid4()}.part", str(uuid4())))
    for path in (lost, half, fresh):
        path.write_bytes(b"x")
    for path in (lost, half, tmp_path / "artifacts" / kept):
        aged(path, days=2)

    trim_artifacts(held_database, office.site.places.files, keep=KEEP)

    assert office.kept() == sorted([kept, fresh.name])
