"""Where reports are made and kept, below the data directory."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from scheduler_service.workloads.artifact_files import ArtifactFiles


@dataclass(frozen=True)
class ReportPlaces:
    """The data directory, and folders of more fonts."""

    data_dir: Path
    fonts: tuple[Path, ...] = ()

    @property
    def files(self) -> ArtifactFiles:
        """The files of artifacts."""
        return ArtifactFiles(self.data_dir / "artifacts")

    def staging(self, prefix: str) -> "TemporaryDirectory[str]":
        """A folder of one's own, gone at the end of its `with`."""
        folder = self.data_dir / "staging"
        folder.mkdir(parents=True, exist_ok=True)
        return TemporaryDirectory(dir=folder, prefix=prefix)
