"""The image: slim, pinned, without root and without secrets."""

import re
from pathlib import Path

from scheduler_service.settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
STEPS = [tuple(line.split(maxsplit=1)) for line in TEXT.splitlines() if line and not line.startswith("#")]
LAST_STAGE = STEPS[max(at for at, step in enumerate(STEPS) if step[0] == "FROM") :]


def of(kind: str) -> list[str]:
    return [words for step, words in LAST_STAGE if step == kind]


def test_it_is_slim_and_of_the_python_we_test_with() -> None:
    assert of("FROM") == ["python:3.11-slim"]


def test_its_user_is_not_root_and_owns_the_data_directory() -> None:
    (user,) = of("USER")
    (made,) = [words for words in of("RUN") if "useradd" in words]

    assert user not in ("root", "0")
    assert made.split("&&")[0].split()[-1] == user
    assert re.search(rf"-o {user} .*/data", made)


def test_it_runs_the_command_line() -> None:
    assert of("ENTRYPOINT") == ['["scheduler-service"]']


def test_what_it_installs_is_pinned() -> None:
    installs = [words for step, words in STEPS if step == "RUN" and "pip install" in words]

    assert all("-c constraints.txt" in words or "--no-deps" in words for words in installs)


def test_its_variables_are_settings_and_none_is_a_secret() -> None:
    known = {f"SCHEDULER_{field.upper()}" for field in Settings.model_fields}
    variables = {word.split("=")[0] for step, words in STEPS if step in ("ENV", "ARG") for word in words.split()}

    assert {variable for variable in variables if variable.startswith("SCHEDULER_")} <= known
    assert not [variable for variable in variables if re.search("KEY|PASSWORD|SECRET|TOKEN|_URL", variable)]


def test_only_what_it_needs_is_sent_to_the_builder() -> None:
    first, *rest = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    copied = {word.rstrip("/") for step, words in STEPS if step == "COPY" and "--from" not in words
              for word in words.split()[:-1]}  # fmt: skip

    assert first == "*"
    assert {line[1:] for line in rest if line.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)
