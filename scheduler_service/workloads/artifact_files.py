"""The files of artifacts: in one folder of the data directory, each under its id."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID


class ArtifactFiles:
    """That folder. A file is whole before it has its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, made: Path, artifact_id: UUID) -> None:
        """Take a file in: it is on the disk when this returns."""
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self.path(artifact_id).with_suffix(".part")
        with made.open("rb") as source, part.open("wb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        part.replace(self.path(artifact_id))

    def path(self, artifact_id: UUID) -> Path:
        """Where the file is, if it is there."""
        return self._folder / str(artifact_id)

    def remove(self, artifact_ids: Iterable[UUID]) -> None:
        """Let go of files; those that are gone already are no trouble."""
        for artifact_id in artifact_ids:
            self.path(artifact_id).unlink(missing_ok=True)

    def older_than(self, seconds: float) -> Iterator[UUID]:
        """The ids of files that were not written to lately. What is left of a copy that was never whole is removed."""
        limit = time.time() - seconds
        for path in self._folder.iterdir() if self._folder.exists() else ():
            if path.stat().st_mtime >= limit:
                continue
            if path.suffix == ".part":
                path.unlink(missing_ok=True)
            else:
                yield UUID(path.name)
