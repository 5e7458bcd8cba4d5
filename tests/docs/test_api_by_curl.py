"""What docs/api.md teaches is true: its commands, run in order, answer what it shows."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.commands import Commands, api_process

PAGE = Path(__file__).parent.parent.parent / "docs" / "api.md"
MARK = "@@ {}"


@dataclass
class Step:
    """A command, and what the page shows of its answer."""

    command: str
    shown: str = ""


def steps(page: str) -> list[Step]:
    """The commands of the console blocks; one goes on while a quote of it is open."""
    found: list[Step] = []
    for block in re.findall(r"^```console\n(.*?)^```", page, flags=re.M | re.S):
        open_quote = False
        for line in block.splitlines():
            if line.startswith("$ ") and not open_quote:
                found.append(Step(line.removeprefix("$ ")))
            elif open_quote:
                found[-1].command += f"\n{line}"
            else:
                found[-1].shown += f"{line}\n"
                continue
            open_quote = found[-1].command.count("'") % 2 == 1
    return found


def page_for(commands: Commands) -> str:
    """The page for a reader of this service."""
    return PAGE.read_text().replace("http://127.0.0.1:8000", commands.url)


def pattern(shown: str) -> str:
    """What an answer must be: spaces mean nothing, and … is anything."""
    return ".*".join(re.escape(squeezed(part)) for part in shown.split("…"))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.fixture
def commands(sqlite_template: Path, tmp_path: Path) -> Iterator[Commands]:
    with api_process(sqlite_template, tmp_path) as opened:
        (opened.data_dir / "admin_key").write_text(opened.key)
        yield opened


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page teaches by curl")
def test_every_command_answers_what_the_page_shows(commands: Commands) -> None:
    todo = steps(page_for(commands))
    script = "".join(f"{step.command}\necho; echo '{MARK.format(at)}'\n" for at, step in enumerate(todo))

    done = subprocess.run(
        ["bash", "-c", script], cwd=commands.data_dir.parent, capture_output=True, text=True, check=False, timeout=60
    )

    assert done.stderr == ""
    rest = done.stdout
    for at, step in enumerate(todo):
        answer, _, rest = rest.partition(f"\n{MARK.format(at)}\n")
        assert re.fullmatch(pattern(step.shown), squeezed(answer)), f"{step.command}\nanswered\n{answer}"


def test_the_python_of_the_page_runs(commands: Commands) -> None:
    commands.given_schedule("orders", "tags=[shop]")
    (program,) = re.findall(r"^```python\n(.*?)^```", page_for(commands), flags=re.M | re.S)

    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=commands.data_dir.parent, capture_output=True, text=True, check=False
    )

    assert (printed.stdout, printed.stderr) == ("orders every 30 seconds None\n", "")
    assert commands.data("schedules", "show", "orders")["description"] == "all orders"


def test_the_page_shows_something_of_every_chapter() -> None:
    commands = "\n".join(step.command for step in steps(PAGE.read_text()))

    assert len(steps(PAGE.read_text())) > 30
    for path in (
        "preview",
        "trigger",
        "backfill",
        "bulk",
        "export",
        "import",
        "events",
        "stats",
        "audit",
        "keys",
        "moves",
        "observed",
    ):
        assert path in commands
