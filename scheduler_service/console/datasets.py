"""Datasets: what the warehouse holds, some rows of it, how it grew, what makes it and what reads it."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Query as FromQuery
from pydantic import BaseModel, Field

from scheduler_service.api.datasets import DatasetName
from scheduler_service.api.dependencies import Reading, WarehouseDep
from scheduler_service.api.schemas import Word
from scheduler_service.console.charts import growth
from scheduler_service.console.pages import Page
from scheduler_service.console.pipelines import PATHS
from scheduler_service.errors import TransientFailure
from scheduler_service.services import dataset_ties
from scheduler_service.workloads import dataset_looks

router = APIRouter(include_in_schema=False)

A_PAGE = 50
ROWS = 20
LONGEST_CELL = 120


class DatasetQuery(BaseModel):
    """Which of them; a page goes on after a name."""

    model_config = {"extra": "forbid"}

    q: Word | None = None
    cursor: Annotated[str, Field(max_length=200)] = ""


@router.get("/work/datasets")
def list_datasets(page: Page, query: Annotated[DatasetQuery, FromQuery()], warehouse: WarehouseDep) -> Response:
    """By name."""
    asked = query.model_dump(exclude_unset=True)
    try:
        found, more = dataset_looks.page(warehouse, q=query.q or "", after=query.cursor, limit=A_PAGE)
    except TransientFailure as why:
        return page.show("work/datasets/away.html", status=503, why=why)
    return page.show("work/datasets/list.html", found=found, more=more, query=asked, place=warehouse.place)


@router.get("/work/datasets/{name}")
def show_dataset(page: Page, name: DatasetName, warehouse: WarehouseDep, session: Reading) -> Response:
    """One, as a person looks at it."""
    try:
        seen = dataset_looks.look(warehouse, name, rows=ROWS)
    except TransientFailure as why:
        return page.show("work/datasets/away.html", status=503, why=why)
    maker = dataset_ties.makers(session, [name]).get(name)
    readers = dataset_ties.readers(session, [name], warehouse.dialect)
    chart = growth.bars([(load.at, load.rows, load.run_id) for load in seen.loads])
    return page.show(
        "work/datasets/show.html", seen=seen, maker=maker, readers=readers, chart=chart, paths=PATHS, shown_as=shown_as
    )


def shown_as(value: Any) -> str:
    """A value of a row as it stands in its cell; a long one gives way."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
