"""`scheduler-service schedules …`, the real commands against a real API."""

import json
import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from rich.cells import cell_len

from tests.cli.commands import SCRIPT, Commands
from tests.support.ports import free_port
from tests.support.waiting import eventually


@pytest.fixture
def name() -> str:
    """One that no other test uses."""
    return f"orders {uuid4().hex[:8]}"


@pytest.fixture
def tag() -> str:
    return f"t-{uuid4().hex[:8]}"


def state(commands: Commands, name: str) -> str:
    found: str = commands.data("schedules", "show", name)["state"]
    return found


def editor(tmp_path: Path, script: str) -> dict[str, str]:
    """An editor that a person would use like this."""
    path = tmp_path / "editor.sh"
    path.write_text(script)
    return {"EDITOR": f"sh {path}"}


# --- reading ------------------------------------------------------------------------------------------------------


def test_a_list_for_people_and_one_for_programs(commands: Commands, name: str, tag: str) -> None:
    made = commands.given_schedule(name, f"tags=[{tag}]")

    table = commands.told("schedules", "list", "--tag", tag)

    assert table.splitlines()[0].split() == ["ID", "STATE", "NEXT", "RUN", "LAST", "RUN", "TASK", "TIMING", "NAME"]
    assert table.splitlines()[1].split("  ")[-1] == name
    assert [found["id"] for found in commands.data("schedules", "list", "--tag", tag)] == [made["id"]]


def test_without_a_terminal_nothing_is_cut_or_coloured(commands: Commands, tag: str) -> None:
    long = "x" * 200
    commands.given_schedule(long, f"tags=[{tag}]")

    table = commands.told("schedules", "list", "--tag", tag)

    assert long in table
    assert "\x1b" not in table


def on_a_terminal(commands: Commands, columns: int, *words: str) -> str:
    """What a person sees."""
    ours, theirs = os.openpty()
    env = {**os.environ, **commands.environment, "COLUMNS": str(columns), "TERM": "xterm"}
    subprocess.run([SCRIPT, *words], env=env, stdout=theirs, check=True, timeout=30)
    os.close(theirs)
    with os.fdopen(ours, "rb") as screen:
        return screen.read1(100_000).decode()


def test_a_terminal_has_colours_and_only_what_fits(commands: Commands, tag: str) -> None:
    commands.given_schedule("每天的订单", f"tags=[{tag}]")

    narrow = on_a_terminal(commands, 60, "schedules", "list", "--tag", tag)
    wide = on_a_terminal(commands, 200, "schedules", "list", "--tag", tag)

    assert "\x1b[32mactive" in narrow
    assert max(map(cell_len, re.sub(r"\x1b\[[0-9;]*m", "", narrow).splitlines())) <= 60
    assert ("TASK" in narrow, "TASK" in wide) == (False, True)
    assert "每天的订单" in narrow


def test_a_list_that_goes_on_says_so(commands: Commands, name: str, tag: str) -> None:
    for number in range(3):
        commands.given_schedule(f"{name} {number}", f"tags=[{tag}]")

    short = commands.run("schedules", "list", "--tag", tag, "--limit", "2")
    whole = commands.run("schedules", "list", "--tag", tag, "--limit", "3")

    assert (len(short.stdout.splitlines()), len(whole.stdout.splitlines())) == (3, 4)
    assert "more than 2" in short.stderr
    assert whole.stderr == ""


def test_any_filter_of_the_api(commands: Commands, name: str, tag: str) -> None:
    commands.given_schedule(name, f"tags=[{tag}]", "enabled=false")

    assert len(commands.data("schedules", "list", "--tag", tag, "--where", "enabled=false")) == 1
    assert commands.data("schedules", "list", "--tag", tag, "--where", "enabled=true") == []


def test_show_and_next_take_names_and_ids(commands: Commands, name: str) -> None:
    made = commands.given_schedule(name)

    assert commands.data("schedules", "show", name) == commands.data("schedules", "show", str(made["id"]))
    assert "every 30 seconds" in commands.told("schedules", "show", name)
    assert len(commands.data("schedules", "next", name, "--count", "3")["items"]) == 3
    assert len(commands.told("schedules", "next", name, "--count", "3").splitlines()) == 4


# --- making and changing ------------------------------------------------------------------------------------------


def test_set_reads_values_as_the_field_needs_them(commands: Commands, name: str) -> None:
    words = ["timing.type=crontab", "timing.minute=5", "description=2026", "max_runs=7", 'kwargs={"a": [1, "b"]}']
    settings = [word for setting in [f"name={name}", "task=t", *words] for word in ("--set", setting)]

    made = commands.data("schedules", "create", *settings)

    assert (made["timing"]["minute"], made["description"], made["max_runs"]) == ("5", "2026", 7)
    assert made["kwargs"] == {"a": [1, "b"]}


@pytest.mark.parametrize("dump", [yaml.safe_dump, json.dumps], ids=["yaml", "json"])
def test_create_from_stdin(commands: Commands, name: str, dump: Any) -> None:
    timing = {"type": "crontab", "expression": "0 2 * * *", "timezone": "Asia/Shanghai"}
    document = dump({"name": name, "task": "t", "timing": timing, "start_time": "2030-01-01T00:00:00Z"})

    made = commands.data("schedules", "create", "--file", "-", "--set", "queue=no", typed=document)

    assert (made["start_time"], made["queue"]) == ("2030-01-01T00:00:00Z", "no")
    assert made["timing"]["timezone"] == "Asia/Shanghai"


def test_create_in_an_editor(commands: Commands, name: str, tmp_path: Path) -> None:
    script = f'sed -i "s/^name:.*/name: {name}/; s/^task:.*/task: shop.collect/" "$1"'

    done = commands.run("schedules", "create", **editor(tmp_path, script))

    assert done.exit_code == 0
    assert commands.data("schedules", "show", name)["task"] == "shop.collect"


def test_edit_changes_what_is_set_and_nothing_else(commands: Commands, name: str) -> None:
    made = commands.given_schedule(name, "queue=heavy", "tags=[a]")

    changed = commands.data("schedules", "edit", name, "--cron", "0 5 * * *", "--set", "queue=null")

    assert (changed["queue"], changed["tags"], changed["timing"]["hour"]) == (None, ["a"], "5")
    assert changed["revision"] == made["revision"] + 1


def test_edit_by_file_replaces(commands: Commands, name: str) -> None:
    commands.given_schedule(name, "queue=heavy")
    document = f'{{"name": "{name}", "task": "t", "timing": {{"type": "interval", "every": 1, "period": "hours"}}}}'

    changed = commands.data("schedules", "edit", name, "--file", "-", typed=document)

    assert (changed["task"], changed["queue"], changed["timing"]["every"]) == ("t", None, 1)


def test_edit_in_an_editor(commands: Commands, name: str, tmp_path: Path) -> None:
    made = commands.given_schedule(name, "queue=heavy")

    done = commands.run("schedules", "edit", name, **editor(tmp_path, 'sed -i "s/^queue:.*/queue: light/" "$1"'))

    assert done.exit_code == 0, done.output
    changed = commands.data("schedules", "show", name)
    assert (changed["queue"], changed["revision"]) == ("light", made["revision"] + 1)


def test_an_editor_that_is_left_changes_nothing(commands: Commands, name: str) -> None:
    made = commands.given_schedule(name)

    done = commands.run("schedules", "edit", name, EDITOR="true")

    assert (done.exit_code, done.stderr) == (0, "Nothing was changed.\n")
    assert commands.data("schedules", "show", name)["revision"] == made["revision"]


def test_what_somebody_changed_meanwhile_is_kept_and_what_was_typed_too(
    commands: Commands, name: str, tmp_path: Path
) -> None:
    made = commands.given_schedule(name)
    path = commands.data_dir / "scheduler.db"
    other = f"UPDATE periodic_task SET description = 'faster' WHERE id = {made['id']}"
    script = f"""
        sed -i "s/^description:.*/description: typed/" "$1"
        {sys.executable} -c "import sqlite3; c = sqlite3.connect('{path}'); c.execute(\\"{other}\\"); c.commit()"
    """

    done = commands.run("schedules", "edit", name, **editor(tmp_path, script))

    assert done.exit_code == 4, done.output
    assert commands.data("schedules", "show", name)["description"] == "faster"
    kept = Path(done.stderr.rpartition(" --file ")[2].split()[0])
    assert yaml.safe_load(kept.read_text())["description"] == "typed"
    assert kept.stat().st_mode & 0o077 == 0
    assert commands.data("schedules", "edit", name, "--file", str(kept))["description"] == "typed"
    kept.unlink()


@pytest.mark.parametrize("line", ["enabled: maybe", "enabled: ["], ids=["refused", "no YAML"])
def test_what_cannot_be_applied_is_kept(commands: Commands, name: str, line: str, tmp_path: Path) -> None:
    commands.given_schedule(name)

    done = commands.run("schedules", "edit", name, **editor(tmp_path, f'sed -i "s/^enabled:.*/{line}/" "$1"'))

    assert done.exit_code == 1
    kept = Path(done.stderr.rpartition(" --file ")[2].split()[0])
    assert line in kept.read_text()
    kept.unlink()


# --- acting -------------------------------------------------------------------------------------------------------


def test_pause_and_resume_by_name(commands: Commands, name: str) -> None:
    commands.given_schedule(name)

    commands.told("schedules", "pause", name, "--reason", "the source is down")
    assert commands.data("schedules", "show", name)["paused_reason"] == "the source is down"
    assert "changed" in commands.told("schedules", "resume", name)
    assert state(commands, name) == "active"


def test_those_that_options_choose_are_asked_about(commands: Commands, name: str, tag: str) -> None:
    commands.given_schedule(name, f"tags=[{tag}]")

    refused = commands.run("schedules", "pause", "--tag", tag, typed="n\n")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert f"Pause 1 schedule ({name})?" in refused.stderr
    assert commands.data("schedules", "pause", "--tag", tag, "--dry-run")["items"][0]["outcome"] == "changed"
    assert state(commands, name) == "active"

    commands.told("schedules", "pause", "--tag", tag, "--yes")
    assert state(commands, name) == "paused"


def test_options_that_choose_nothing_are_told(commands: Commands, tag: str) -> None:
    nothing = commands.run("schedules", "pause", "--tag", tag)

    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "No schedule is chosen.\n")


def test_delete_asks(commands: Commands, name: str) -> None:
    commands.given_schedule(name)

    assert commands.run("schedules", "delete", name, typed="n\n").exit_code == 1
    assert state(commands, name) == "active"
    assert commands.run("schedules", "delete", name, typed="y\n").exit_code == 0
    assert commands.run("schedules", "show", name).exit_code == 3


def test_trigger_with_other_arguments(commands: Commands, name: str) -> None:
    commands.given_schedule(name)

    run = commands.data("schedules", "trigger", name, "--args", "[1]", "--kwargs", '{"full": true}')

    assert (run["schedule_name"], run["args"], run["kwargs"]) == (name, [1], {"full": True})


def test_backfill(commands: Commands, name: str) -> None:
    commands.data("schedules", "create", "--cron", "0 * * * *", "--set", f"name={name}", "--set", "task=t")
    words = ("schedules", "backfill", name, "2026-03-02T00:00:00Z", "2026-03-02T03:00:00Z")

    assert commands.data(*words, "--dry-run")["total"] == 3
    assert "runs 3 occurrences" in commands.told(*words)


# --- documents ----------------------------------------------------------------------------------------------------


def test_what_is_exported_differs_in_nothing(commands: Commands, name: str, tag: str, tmp_path: Path) -> None:
    commands.given_schedule(name, f"tags=[{tag}]")
    file = tmp_path / "schedules.yaml"

    commands.told("schedules", "export", "--tag", tag, "--output", str(file))

    assert yaml.safe_load(file.read_text())["schedules"][0]["name"] == name
    assert commands.told("schedules", "export", "--tag", tag) == file.read_text()
    assert commands.told("schedules", "diff", str(file), "--exit-code") == "1 unchanged.\n"


def test_a_document_is_shown_as_a_diff_and_then_applied(
    commands: Commands, name: str, tag: str, tmp_path: Path
) -> None:
    commands.given_schedule(name, f"tags=[{tag}]")
    file = tmp_path / "schedules.yaml"
    before = commands.told("schedules", "export", "--tag", tag)
    document = yaml.safe_load(before)
    document["schedules"][0]["timing"]["every"] = 60
    document["schedules"].append(deepcopy(document["schedules"][0]) | {"name": f"{name} new"})
    file.write_text(yaml.safe_dump(document))

    shown = commands.run("schedules", "diff", str(file), "--exit-code")
    assert shown.exit_code == 1
    assert shown.stdout.startswith(f"+ {name} new\n~ {name}\n    timing:\n      - {{")
    assert shown.stdout.endswith("1 to create, 1 to change.\n")

    assert commands.run("schedules", "import", str(file), typed="n\n").exit_code == 1
    assert commands.told("schedules", "export", "--tag", tag) == before
    assert commands.run("schedules", "import", str(file), typed="y\n").stdout == "1 created, 1 changed.\n"
    assert commands.told("schedules", "import", str(file)) == "2 unchanged.\n"


def test_a_document_of_stdin_leaves_nothing_to_ask_on(commands: Commands) -> None:
    refused = commands.run("schedules", "import", "-", typed="version: 1\nschedules: []\n")

    assert refused.exit_code == 2
    assert "--yes" in refused.stderr


# --- failing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["show", "nobody"], 3, id="no such name"),
        pytest.param(["show", "999999"], 3, id="no such id"),
        pytest.param(["create", "--set", "name=x"], 1, id="refused"),
        pytest.param(["create", "--set", "name"], 2, id="no value"),
        pytest.param(["create", "--every", "soon"], 2, id="no interval"),
        pytest.param(["create", "--every", "1m", "--cron", "* * * * *"], 2, id="two timings"),
        pytest.param(["pause"], 2, id="nothing named"),
        pytest.param(["pause", "x", "--tag", "y"], 2, id="named and chosen"),
        pytest.param(["trigger", "x", "--args", "["], 2, id="no JSON"),
        pytest.param(["explode"], 2, id="no such command"),
    ],
)
def test_exit_codes(commands: Commands, words: list[str], code: int) -> None:
    failed = commands.run("schedules", *words)

    assert (failed.exit_code, failed.stdout) == (code, "")
    assert "Error: " in failed.stderr


def test_a_name_that_is_taken_is_a_conflict(commands: Commands, name: str) -> None:
    commands.given_schedule(name)

    refused = commands.run("schedules", "create", "--every", "1m", "--set", f"name={name}", "--set", "task=t")

    assert refused.exit_code == 4
    assert name in refused.stderr


def test_every_bad_field_is_named(commands: Commands) -> None:
    refused = commands.run("schedules", "create", "--set", "name=x", "--set", "timing.type=crontab", "--set", "task=")

    assert refused.exit_code == 1
    assert "\n  task: " in refused.stderr


def test_nobody_answers(commands: Commands) -> None:
    away = commands.run("schedules", "show", "x", "--url", f"http://127.0.0.1:{free_port()}")

    assert away.exit_code == 5
    assert "cannot be reached" in away.stderr


def test_a_wrong_key_is_refused_and_not_repeated(commands: Commands) -> None:
    refused = commands.run("schedules", "list", "--key", "a-wrong-key-of-somebody")

    assert refused.exit_code == 1
    assert "a-wrong-key-of-somebody" not in refused.output


# --- where the service is -----------------------------------------------------------------------------------------


def local(commands: Commands, key_file: str | None) -> dict[str, str | None]:
    """The environment beside an `up`."""
    port = commands.url.rpartition(":")[2]
    path = commands.data_dir / "admin_key"
    path.unlink(missing_ok=True)
    if key_file is not None:
        path.write_text(key_file)
    here = {"SCHEDULER_DATA_DIR": str(commands.data_dir), "SCHEDULER_API_PORT": port}
    return {"SCHEDULER_URL": None, "SCHEDULER_KEY": None, **here}


def test_beside_a_local_service_nothing_need_be_said(commands: Commands) -> None:
    assert commands.run("schedules", "list", **local(commands, commands.key)).exit_code == 0


def test_without_any_key_it_says_what_to_set(commands: Commands) -> None:
    refused = commands.run("schedules", "list", **local(commands, None))

    assert refused.exit_code == 1
    assert "SCHEDULER_KEY" in refused.stderr
    assert not (commands.data_dir / "admin_key").exists()


def test_the_key_of_this_machine_is_not_sent_to_another(commands: Commands) -> None:
    env = local(commands, commands.key)

    refused = commands.run("schedules", "list", "--url", "http://scheduler.example", **env)

    assert refused.exit_code == 1
    assert "not sent elsewhere" in refused.stderr


# --- completion ---------------------------------------------------------------------------------------------------


def completed(commands: Commands, line: str, **env: str) -> list[str]:
    """What a shell is told after a TAB."""
    shell = {"_SCHEDULER_SERVICE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    env = {**os.environ, **commands.environment, **shell, **env}
    printed = subprocess.run([SCRIPT], env=env, capture_output=True, text=True, check=True, timeout=30).stdout
    return [row.partition(",")[2] for row in printed.split()]


def test_names_are_completed(commands: Commands) -> None:
    commands.given_schedule("completed-one")
    commands.given_schedule("completed-two")

    line = "scheduler-service schedules show completed-"
    eventually(lambda: completed(commands, line) == ["completed-one", "completed-two"], within=10)
    assert completed(commands, "scheduler-service schedules tri") == ["trigger"]
    assert completed(commands, "scheduler-service schedules show x", SCHEDULER_KEY="unknown-to-anybody") == []
