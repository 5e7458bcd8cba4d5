"""What docs/migrate-from-apscheduler.md tells is true: its story, played by the real processes."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import SCRIPT, Commands, api_process
from tests.docs.test_api_by_curl import Step, pattern, squeezed, steps
from tests.support.broker import Broker
from tests.support.processes import ROOT, Process
from tests.support.waiting import eventually

PAGE = ROOT / "docs" / "migrate-from-apscheduler.md"
CHINESE = ROOT / "docs" / "zh" / "migrate-from-apscheduler.md"
START = "scheduler.start()\n"


class Story:
    """The old platform and the service, side by side."""

    def __init__(self, commands: Commands, broker: Broker, jobs: str) -> None:
        self._folder = commands.data_dir.parent
        self._env = {
            **commands.environment,
            "SCHEDULER_DATA_DIR": str(commands.data_dir),
            "SCHEDULER_BROKER_URL": broker.url,
            "SOURCE_LABEL": f"apscheduler+sqlite:///{self._folder}/jobs.db",
            "PATH": f"{SCRIPT.parent}:/usr/bin:/bin",
            "PYTHONPATH": f"{ROOT}:{self._folder}",
        }
        (self._folder / "platform_jobs.py").write_text(jobs)
        beat = [sys.executable, "-m", "scheduler_service.cli", "beat"]
        self._beat = Process(beat, self._env, self._folder / "beat.log")
        self._platform: Process | None = None

    def platform(self, code: str) -> None:
        """(Re)start the old process, with this code."""
        if self._platform is not None:
            self._platform.stop()
        script = self._folder / "old_platform.py"
        script.write_text(f"import os\nos.chdir({str(self._folder)!r})\n{code}")
        self._platform = Process([sys.executable, str(script)], self._env, self._folder / "platform.log")
        eventually((self._folder / "jobs.db").exists, within=10)

    def answer(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command], cwd=self._folder, env=self._env, capture_output=True, text=True, check=False
        )
        return done.stdout or done.stderr

    def plays(self, step: Step, *, within: float) -> None:
        """The command answers what the page shows; one that only looks may take its time."""
        told: list[str] = []

        def as_shown() -> bool:
            told.append(self.answer(step.command))
            return re.fullmatch(pattern(step.shown), squeezed(told[-1])) is not None

        try:
            eventually(as_shown, within=within, every=0.5)
        except AssertionError:
            raise AssertionError(f"{step.command}\nanswered\n{told[-1]}") from None

    def close(self) -> None:
        for process in filter(None, (self._platform, self._beat)):
            process.stop()


@pytest.fixture
def story(sqlite_template: Path, broker: Broker, tmp_path: Path) -> Iterator[Story]:
    with api_process(sqlite_template, tmp_path) as commands:
        opened = Story(commands, broker, blocks("python")[0])
        yield opened
        opened.close()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), flags=re.M | re.S)


@pytest.mark.takes(40)
def test_the_story_happens_as_it_is_told(story: Story) -> None:
    _, old, ear, _ = blocks("python")
    assert old.count(START) == 1
    story.platform(old)

    listening = False
    for step in steps(PAGE.read_text()):
        looks = "migrate compare" in step.command
        if looks and not listening:
            story.platform(old.replace(START, ear + START))
            listening = True
        story.plays(step, within=45 if looks else 0)


def test_the_chinese_page_has_the_same_commands_and_code() -> None:
    fenced = r"^```(?:console|python|sh)\n.*?^```"
    told, chinese = (re.findall(fenced, page.read_text(), flags=re.M | re.S) for page in (PAGE, CHINESE))

    assert told == chinese
