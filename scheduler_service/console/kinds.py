"""The three kinds of definitions: what each is to the services, and what a new one begins with."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends

from scheduler_service.api.dependencies import WarehouseDep
from scheduler_service.services import definition_uses, reports
from scheduler_service.services.collect_tasks import collect_tasks
from scheduler_service.services.definitions import DefinitionDocument, Definitions, accept
from scheduler_service.services.etl_pipelines import Surroundings, etl_pipelines
from scheduler_service.storage.definition_uses import Called
from scheduler_service.storage.session import Session
from scheduler_service.workloads.etl.names import names
from scheduler_service.workloads.warehouses import AnyWarehouse

Place = Literal["collect-tasks", "pipelines", "reports"]
#: Looks at a document before it is saved, or only looked at; raises Invalid.
Check = Callable[[Any], None]
#: What a check is made of: the transaction, the warehouse, its tables, and the definition that is to be replaced.
Checked = Callable[[Session, AnyWarehouse, Collection[str], int | None], Check]

A_COLLECT_TASK = """\
dataset: orders
source:
  type: http
  url: https://shop.example/api/orders
  records: $.items
mode: append
"""
A_PIPELINE = """\
steps:
  - name: orders_by_day
    sql: |
      SELECT day, count(*) AS orders, sum(amount) AS amount
      FROM orders
      GROUP BY day
    checks:
      - type: unique
        columns: [day]
"""
A_REPORT = """\
title: Orders
outputs: [html, pdf]
sections:
  - type: table
    title: By day
    sql: SELECT day, orders FROM orders_by_day ORDER BY day DESC
"""


@dataclass(frozen=True)
class Kind:
    """One kind. `name` is its part of a path, and of what templates are called."""

    name: Place
    services: Definitions[Any, Any]
    called: Called
    starter: str
    checked: Checked
    asks_tables: bool = False

    @property
    def path(self) -> str:
        """Of its list."""
        return f"/work/{self.name}"

    @property
    def document(self) -> type[DefinitionDocument]:
        """What is written."""
        document: type[DefinitionDocument] = self.services.document
        return document


def _of_pipeline(session: Session, warehouse: AnyWarehouse, tables: Collection[str], but: int | None) -> Check:
    return Surroundings.of(session, warehouse.dialect, tables, but=but).check()


COLLECT_TASKS = Kind("collect-tasks", collect_tasks, definition_uses.COLLECT, A_COLLECT_TASK, lambda *_: accept)
PIPELINES = Kind("pipelines", etl_pipelines, definition_uses.PIPELINE, A_PIPELINE, _of_pipeline, asks_tables=True)
REPORTS = Kind(
    "reports",
    reports.reports,
    definition_uses.REPORT,
    A_REPORT,
    lambda _session, warehouse, _tables, _but: reports.checked_for(warehouse),
)
KINDS: dict[Place, Kind] = {kind.name: kind for kind in (COLLECT_TASKS, PIPELINES, REPORTS)}


def _kind(place: Place) -> Kind:
    return KINDS[place]


KindDep = Annotated[Kind, Depends(_kind)]


def _tables(kind: KindDep, warehouse: WarehouseDep) -> set[str]:
    """Asked before the transaction begins: the warehouse may let us wait."""
    return names(warehouse) if kind.asks_tables else set()


TablesDep = Annotated[set[str], Depends(_tables)]
