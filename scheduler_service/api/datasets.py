"""Routes of datasets: what collects have brought in."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path
from fastapi import Query as FromQuery
from pydantic import BaseModel, Field

from scheduler_service.api.dependencies import WarehouseDep
from scheduler_service.api.schemas import PageOut, Query
from scheduler_service.workloads.datasets import LARGEST_PAGE, Dataset

router = APIRouter(prefix="/datasets", tags=["datasets"])

DatasetName = Annotated[str, Path(max_length=200)]


class RowQuery(Query):
    """Which rows."""

    limit: int = Field(default=100, ge=1, le=LARGEST_PAGE)


class ColumnOut(BaseModel):
    """A column and its type."""

    name: str
    type: str


class DatasetOut(BaseModel):
    """A dataset, and the run that loaded it last."""

    name: str
    kind: Literal["table", "view"]
    row_count: int | None = Field(description="Of a table; a view's rows are not counted")
    columns: list[ColumnOut]
    last_loaded_at: datetime | None
    last_run_id: str | None

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """The dataset as it looks over the wire."""
        columns = [ColumnOut(name=column.name, type=column.type) for column in dataset.columns]
        return cls.model_validate({**vars(dataset), "columns": columns})


@router.get("")
def list_datasets(warehouse: WarehouseDep) -> PageOut[DatasetOut]:
    """List the datasets by name; there is only one page."""
    return PageOut(items=[DatasetOut.of(dataset) for dataset in warehouse.datasets()], next_cursor=None)


@router.get("/{name}")
def get_dataset(name: DatasetName, warehouse: WarehouseDep) -> DatasetOut:
    """Read what a dataset is."""
    return DatasetOut.of(warehouse.dataset(name))


@router.get("/{name}/rows")
def list_rows(
    name: DatasetName, query: Annotated[RowQuery, FromQuery()], warehouse: WarehouseDep
) -> PageOut[dict[str, Any]]:
    """Page through the rows of a dataset, in the order they were loaded."""
    page = warehouse.rows(name, limit=query.limit, cursor=query.cursor)
    return PageOut(items=page.items, next_cursor=page.next_cursor)
