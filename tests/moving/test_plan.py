"""Plans of stores that the libraries themselves have made."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scheduler_service.cli.main import main
from tests.moving.sources import aps3

MAPPING = (
    f"version: 1\njobs:\n  {aps3.WORK}: {{task: shop.work}}\n  method: {{skip: true}}\n  odd args: {{args: [u]}}\n"
)


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A job store with a job of every kind."""
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    aps3.fill(aps3.sql_store(url))
    return f"apscheduler+{url}"


def run(*words: str, **env: str) -> Result:
    return CliRunner().invoke(main, ["migrate", *words], env=env, catch_exceptions=False)


def planned(*words: str) -> dict[str, Any]:
    done = run("plan", *words, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def by_name(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {job["name"]: job for job in plan["jobs"]}


def test_a_plan_drafts_the_mapping_that_it_needs(store: str, tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"

    first = planned(store, "--trust-pickle", "--mapping", str(file))

    assert f"  {aps3.WORK}:\n    task: null\n" in file.read_text()
    assert by_name(first)["nightly"]["to_map"] == ["task"]
    file.write_text(file.read_text().replace("task: null", "task: shop.work"))
    second = planned(store, "--trust-pickle", "--mapping", str(file))
    assert by_name(second)["nightly"]["standing"] != "to map"


def test_every_job_is_planned_and_every_instant_proved(store: str, tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING)

    jobs = by_name(planned(store, "--trust-pickle", "--mapping", str(file)))

    assert len(jobs) == len(aps3.TRIGGERS) + 3
    proved = {name: job["proof"] for name, job in jobs.items() if job["proof"]}
    assert {name for name, proof in proved.items() if not proof["explained"]} == set()
    equal = ("crontab", "every 90 s", "every 1.5 h", "once", "quarterly", "paused")
    assert [name for name in equal if not proved[name]["equal"]] == []
    assert [len(proved[name]["rows"]) for name in ("crontab", "every 90 s", "once")] == [50, 50, 1]
    assert jobs["own"]["standing"] == "not kept"
    assert jobs["method"]["standing"] == "skipped"


def test_without_trust_a_plan_says_what_would_help(store: str) -> None:
    jobs = planned(store)["jobs"]

    assert {job["standing"] for job in jobs} == {"not kept"}
    assert all("--trust-pickle" in job["losses"][0]["text"] for job in jobs)


def test_a_plan_is_told_to_a_person(store: str, tmp_path: Path) -> None:
    file, page = tmp_path / "mapping.yaml", tmp_path / "plan.html"
    file.write_text(MAPPING)

    done = run("plan", "--trust-pickle", "--mapping", str(file), "--html", str(page), SCHEDULER_MIGRATE_SOURCE=store)

    assert done.exit_code == 0, done.output
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("every 90 s ") and "(" not in line]
    assert "50 equal" in line
    assert "every 90 seconds" in line
    written = page.read_text()
    assert "cron hour=2 minute=30 (Europe/Berlin)" in written
    assert "<script" not in written


def test_the_page_shows_names_as_text(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    with aps3.scheduler(aps3.sql_store(url)) as opened:
        opened.add_job(aps3.WORK, "interval", hours=1, id="<script>", name="<b>bold</b>")
    page = tmp_path / "plan.html"

    run("plan", f"apscheduler+{url}", "--trust-pickle", "--html", str(page))

    assert "&lt;b&gt;bold&lt;/b&gt;" in page.read_text()
    assert "<b>" not in page.read_text()


def test_two_jobs_of_one_name_are_told_apart_by_the_mapping(tmp_path: Path) -> None:
    url, file = f"sqlite:///{tmp_path / 'jobs.db'}", tmp_path / "mapping.yaml"
    with aps3.scheduler(aps3.sql_store(url)) as opened:
        for job_id in ("a", "b"):
            opened.add_job(aps3.WORK, "interval", hours=1, id=job_id, name="Collect")
    file.write_text(f"version: 1\njobs:\n  {aps3.WORK}: {{task: shop.work}}\n")
    words = (f"apscheduler+{url}", "--trust-pickle", "--mapping", str(file))

    assert [job["to_map"] for job in planned(*words)["jobs"]] == [["name"], ["name"]]

    file.write_text(f"{file.read_text()}  b: {{name: Collect b}}\n")
    assert [job["standing"] for job in planned(*words)["jobs"]] == ["ready", "ready"]


def test_a_source_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    done = run("plan", f"apscheduler+sqlite:///{tmp_path / 'none.db'}")

    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
