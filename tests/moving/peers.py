"""Other schedulers themselves, each with its own libraries in a folder beside ours, run as a child process."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CACHE = ROOT / ".cache" / "peers"
PINNED = Path(__file__).with_name("peers.txt")
INSTALL_SECONDS = 300


def peer(name: str) -> Path:
    """The folder of its libraries; installed once for every process of the suite. Fails when that fails."""
    wanted = _pinned()[name]
    folder = CACHE / f"{name}-{hashlib.sha256(' '.join(wanted).encode()).hexdigest()[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _install(wanted, folder)
    return folder


def run_peer(name: str, program: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What a program of theirs prints, run with their libraries; it fails with what they said."""
    path = os.pathsep.join([str(peer(name)), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": path, **(env or {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _pinned() -> dict[str, list[str]]:
    lines = [line.split() for line in PINNED.read_text().splitlines() if line and not line.startswith("#")]
    return {name: packages for name, *packages in lines}


def _install(packages: list[str], folder: Path) -> None:
    """Into a folder beside, renamed when it is whole: one that was killed half-way leaves none."""
    half = folder.with_name(f"{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--target", str(half)]
    done = subprocess.run([*command, *packages], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(packages)} cannot be installed: {done.stderr}"
    half.rename(folder)
