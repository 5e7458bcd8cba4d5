"""What runs needs only what `pip install` brings: nothing that is here because of the tests alone."""

import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

from packaging.requirements import Requirement

LOADED = """
import json, sys
import kombu.transport.redis, celery.backends.redis
import scheduler_service.worker.app, scheduler_service.beat.scheduler, scheduler_service.console.site
import scheduler_service.cli.main, scheduler_service.cli.up, scheduler_service.cli.doctor
import scheduler_service.cli.schedules, scheduler_service.cli.runs, scheduler_service.cli.keys
import duckdb, pyarrow.parquet, sqlglot.optimizer.scope
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
#: Read when they are there, and done without when they are not.
OPTIONAL = {"setuptools", "pip", "pyyaml", "numpy", "mypy-extensions", "pytz", "greenlet"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def brought(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> set[str]:
    """What installing a distribution installs."""
    if (name, extras) in seen:
        return set()
    seen.add((name, extras))
    names = {name}
    try:
        requirements = distribution(name).requires or []
    except PackageNotFoundError:
        return names
    for requirement in map(Requirement, requirements):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            names |= brought(normal(requirement.name), frozenset(requirement.extras), seen)
    return names


def test_every_module_that_is_loaded_is_brought_by_an_install() -> None:
    printed = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout
    by_module = packages_distributions()
    loaded = {normal(dist) for module in json.loads(printed) for dist in by_module.get(module, [])}

    assert loaded - brought("scheduler-service", frozenset(), set()) - OPTIONAL == set()
