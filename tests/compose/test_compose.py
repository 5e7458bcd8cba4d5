"""The container files say what the program understands. There may be no engine here to run them, so they are read."""

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from celery.bin.celery import celery
from flower.command import is_flower_envvar, is_flower_option  # type: ignore[import-untyped]

from scheduler_service.cli.main import main
from scheduler_service.cli.processes import QUEUES
from scheduler_service.settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "scheduler-service"}
COMMANDS = {name: service["command"] for name, service in OURS.items() if "entrypoint" not in service}
CELERY_CHECKS = {name: SERVICES[name]["healthcheck"]["test"][1] for name in SERVICES if name.startswith("worker-")}
PYTHON_CHECKS = {name: SERVICES[name]["healthcheck"]["test"] for name in ("api", "flower")}
REQUIRED = re.compile(r"\$\{\w+:\?[^}]+\}")


def parse(command: click.Command, words: list[str], parent: click.Context | None = None) -> dict[str, Any]:
    """The options of the last command in the words, as it would get them. Raises: UsageError."""
    if not isinstance(command, click.Group):
        return command.make_context(command.name, list(words), parent=parent).params
    context = click.Context(command, parent=parent)
    found = command.get_command(context, words[0])
    assert found, f"{command.name} has no command {words[0]}"
    return parse(found, words[1:], context)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_exists(name: str) -> None:
    parse(main, COMMANDS[name])


def test_the_processes_are_those_of_the_design() -> None:
    assert set(SERVICES) == {
        *("postgres", "redis", "migrate", "api", "beat-1", "beat-2"),
        *("worker-default", "worker-heavy", "worker-backup", "flower"),
    }
    assert [COMMANDS[name] for name in ("migrate", "api", "beat-1", "beat-2")] == [
        *(["db", "upgrade"], ["api"], ["beat"], ["beat"])
    ]


@pytest.mark.parametrize("name", CELERY_CHECKS)
def test_a_worker_works_under_its_name_and_is_asked_for_it(name: str) -> None:
    worker = parse(main, COMMANDS[name])
    program, app_option, app, *question = shlex.split(CELERY_CHECKS[name])
    asked = parse(celery, question)

    assert (program, app_option) == ("celery", "-A")
    assert importlib.util.find_spec(app)
    assert worker["queues"] is None
    assert f"worker-{worker['name']}" == name
    assert asked["command"] == "ping"
    assert asked["destination"] == [f"{worker['name']}@$$HOSTNAME"]
    assert asked["timeout"] < int(SERVICES[name]["healthcheck"]["timeout"].rstrip("s"))


def test_the_backup_serves_the_queues_of_both_others() -> None:
    assert set(QUEUES["backup"]) == {*QUEUES["default"], *QUEUES["heavy"]}


def test_flower_gets_options_that_it_has() -> None:
    program, app_option, app, subcommand = SERVICES["flower"]["entrypoint"]

    assert (program, app_option) == ("celery", "-A")
    assert importlib.util.find_spec(app)
    assert subcommand in celery.commands
    assert all(map(is_flower_option, SERVICES["flower"]["command"]))
    assert [name for name in SERVICES["flower"]["environment"] if is_flower_envvar(name)] == ["FLOWER_BASIC_AUTH"]


@pytest.mark.parametrize("name", PYTHON_CHECKS)
def test_the_other_health_checks_are_python(name: str) -> None:
    kind, *program, code = PYTHON_CHECKS[name]

    assert (kind, program) == ("CMD", ["python", "-c"])
    compile(code, name, "exec")


def test_every_variable_is_a_setting() -> None:
    known = {f"SCHEDULER_{field.upper()}" for field in Settings.model_fields}
    given = {variable for service in OURS.values() for variable in service["environment"]}
    asked = set(re.findall(r"SCHEDULER_\w+", TEXT))

    assert {variable for variable in given | asked if variable.startswith("SCHEDULER_")} <= known


def test_the_settings_are_understood() -> None:
    values = {"POSTGRES_PASSWORD": "pg", "REDIS_PASSWORD": "rd", "SCHEDULER_ADMIN_KEY": "0123456789abcdef"}

    def filled(value: str) -> str:
        return re.sub(
            r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)\}",
            lambda found: values[found[1]] if found[2] is None else found[2],
            str(value),
        )

    given = {name.removeprefix("SCHEDULER_").lower(): filled(value) for name, value in environment("worker-default")}
    settings = Settings.model_validate(given)

    assert settings.database == "postgresql://scheduler:pg@postgres:5432/scheduler"
    assert settings.self_url == "http://api:8000"


def environment(name: str) -> list[tuple[str, str]]:
    return list(SERVICES[name]["environment"].items())


@pytest.mark.parametrize("name", [name for name in OURS if name != "migrate"])
def test_all_processes_start_after_the_migrations_and_what_they_need(name: str) -> None:
    assert {other: wait["condition"] for other, wait in SERVICES[name]["depends_on"].items()} == {
        "postgres": "service_healthy",
        "redis": "service_healthy",
        "migrate": "service_completed_successfully",
    }


def test_the_migrations_start_after_the_database() -> None:
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert "depends_on" not in SERVICES["postgres"]
    assert "depends_on" not in SERVICES["redis"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_is_started_again_and_the_lasting_ones_are_looked_after(name: str) -> None:
    service = SERVICES[name]

    assert service["restart"] == ("on-failure" if name == "migrate" else "unless-stopped")
    if name != "migrate":
        assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])


@pytest.mark.parametrize("name", SERVICES)
def test_no_password_is_written_down(name: str) -> None:
    secret = {key: value for key, value in environment(name) if re.search("PASSWORD|KEY|AUTH", key)}
    in_urls = [found for _, value in environment(name) for found in re.findall(r"://[^@/:]*:(.+)@", str(value))]

    assert all(REQUIRED.fullmatch(value) for value in [*secret.values(), *in_urls])
    assert len(in_urls) == (2 if name in OURS else 0)


def test_no_password_is_on_a_command_line() -> None:
    words = [str(service.get(part)) for service in SERVICES.values() for part in ("command", "entrypoint")]

    assert not [word for word in words if "${" in word]


def test_the_broker_asks_for_a_password_and_keeps_its_queues() -> None:
    script = SERVICES["redis"]["command"][-1]

    assert "requirepass %s" in script
    assert "appendonly yes" in script
    assert "maxmemory-policy noeviction" in script
    assert "/data" in SERVICES["redis"]["volumes"][0]


def test_only_this_machine_reaches_what_is_published() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert set(published) == {"api", "flower"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_the_data_directory_is_one_volume_for_all() -> None:
    mounts = {name: service["volumes"] for name, service in OURS.items()}

    assert set(map(tuple, mounts.values())) == {("data:/data",)}
    assert {"postgres", "redis", "data"} == set(COMPOSE["volumes"])
