"""What makes a dataset, and what reads it: as the definitions say, which need not have run yet.

A definition that names a dataset holds its name, so the database finds the few that may, and only their SQL is read.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scheduler_service.errors import SqlRefused
from scheduler_service.services.etl_pipelines import Maker
from scheduler_service.storage import definition_uses
from scheduler_service.storage.models import CollectTask, EtlPipeline, Report
from scheduler_service.storage.session import Session
from scheduler_service.workloads.etl.definitions import PARAMETERS
from scheduler_service.workloads.sql_guard import Dialect, checked

MOST = 200
KEPT_QUERIES = 2000


@dataclass(frozen=True)
class Reader:
    """What reads which dataset."""

    dataset: str
    who: Maker


def makers(session: Session, names: Collection[str]) -> dict[str, Maker]:
    """What makes each of these datasets, where a definition says so."""
    found: dict[str, Maker] = {}
    for task in definition_uses.naming(session, CollectTask, names, limit=MOST):
        found[str(task.definition.get("dataset"))] = Maker("collect_task", task.id, task.name)
    for pipeline in definition_uses.naming(session, EtlPipeline, names, limit=MOST):
        made = Maker("pipeline", pipeline.id, pipeline.name)
        found |= {str(step.get("name")): made for step in _parts(pipeline.definition, "steps")}
    return {name: maker for name, maker in found.items() if name in names}


def readers(session: Session, names: Collection[str], dialect: Dialect) -> list[Reader]:
    """The pipelines and reports that read any of these datasets."""
    found: list[Reader] = []
    for pipeline in definition_uses.naming(session, EtlPipeline, names, limit=MOST):
        who = Maker("pipeline", pipeline.id, pipeline.name)
        found += _reading(who, _parts(pipeline.definition, "steps"), names, dialect)
    for report in definition_uses.naming(session, Report, names, limit=MOST):
        who = Maker("report", report.id, report.name)
        found += _reading(who, _parts(report.definition, "sections"), names, dialect)
    return found


def read_by(definition: dict[str, Any], part: str, dialect: Dialect) -> set[str]:
    """The datasets that the SQL of a definition reads; what is no SQL reads nothing."""
    return {name for one in _parts(definition, part) for name in _reads(one, dialect)}


def _reading(who: Maker, parts: list[dict[str, Any]], names: Collection[str], dialect: Dialect) -> Iterator[Reader]:
    read = {name for one in parts for name in _reads(one, dialect)}
    return (Reader(name, who) for name in sorted(read.intersection(names)))


def _parts(definition: dict[str, Any], part: str) -> list[dict[str, Any]]:
    """The steps or sections; a row may have been written past us."""
    found = definition.get(part)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _reads(part: dict[str, Any], dialect: Dialect) -> frozenset[str]:
    sql, reads = part.get("sql"), part.get("reads")
    if isinstance(sql, str):
        return _tables(sql, dialect)
    return frozenset(map(str, reads)) if isinstance(reads, list) else frozenset()


@lru_cache(maxsize=KEPT_QUERIES)
def _tables(sql: str, dialect: Dialect) -> frozenset[str]:
    try:
        return checked(sql, dialect, parameters=PARAMETERS).reads
    except SqlRefused:
        return frozenset()
