"""What a pipeline is: the document that a person writes and a row keeps.

Importing this is cheap: the API does it. What the SQL reads, and whether it may run, is found by `plans`.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from scheduler_service.workloads import checks

#: What `{{ name }}` in a step may ask for: the run's occurrence, and the stretch of time that it is to compute.
PARAMETERS: dict[str, type] = {"occurrence_at": datetime, "window_start": datetime, "window_end": datetime}

Name = Annotated[str, checks.DatasetName]
Column = Annotated[str, Field(min_length=1, max_length=200)]
Sql = Annotated[str, Field(min_length=1, max_length=50_000)]
Columns = Annotated[tuple[Column, ...], Field(min_length=1, max_length=50)]


class Strict(BaseModel):
    """Unknown fields are mistakes; what was validated does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Check(Strict):
    severity: Literal["fail", "warn"] = Field(default="fail", description="A failed one fails the run, or is told only")


class NotNull(_Check):
    """No row lacks a value."""

    type: Literal["not_null"]
    columns: Columns


class Unique(_Check):
    """No two rows are alike in these columns."""

    type: Literal["unique"]
    columns: Columns


class AcceptedValues(_Check):
    """The column holds nothing else; NULL is another check's business."""

    type: Literal["accepted_values"]
    column: Column
    values: Annotated[tuple[str | int | float | bool, ...], Field(min_length=1, max_length=1000)]


class RowCount(_Check):
    """So many rows, after the run."""

    type: Literal["row_count"]
    min: int = Field(default=1, ge=0)
    max: int | None = Field(default=None, ge=0)


class Freshness(_Check):
    """The latest instant is at most so much earlier than the run's occurrence."""

    type: Literal["freshness"]
    column: Column
    max_age_seconds: float = Field(gt=0, le=10 * 366 * 86400)


class CustomQuery(_Check):
    """A SELECT of what must not be: each row that it finds is a failure."""

    type: Literal["query"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    sql: Sql


Check = Annotated[
    NotNull | Unique | AcceptedValues | RowCount | Freshness | CustomQuery, Field(discriminator="type")
]  # fmt: skip


class Step(Strict):
    """One dataset, and how it is made: by one SELECT, or by a function of the operator's (`transform`).

    `table` is made anew by each run; `view` is a query by its name, without parameters; `incremental` keeps its rows
    and takes the new ones in: those with an equal `key` are replaced, or those whose `window_column` lies in the run's
    window.
    """

    name: Name = Field(examples=["orders_by_day"])
    kind: Literal["table", "view", "incremental"] = "table"
    sql: Sql | None = Field(default=None, examples=["SELECT day, sum(amount) AS amount FROM orders GROUP BY day"])
    transform: Column | None = Field(
        default=None, description="An entry point of the group `scheduler_service.transforms`, in place of `sql`"
    )
    reads: tuple[Name, ...] = Field(default=(), max_length=50, description="The datasets that `transform` is given")
    key: tuple[Column, ...] = Field(default=(), max_length=20)
    window_column: Column | None = None
    checks: tuple[Check, ...] = Field(default=(), max_length=50)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.sql is None) == (self.transform is None):
            raise ValueError("give either sql or transform")
        if self.sql is not None and self.reads:
            raise ValueError("reads belongs to a transform; what sql reads is found in it")
        if self.transform is not None and self.kind == "view":
            raise ValueError("a view is made of sql")
        keyed = bool(self.key) + (self.window_column is not None)
        if self.kind == "incremental" and keyed != 1:
            raise ValueError("an incremental step needs either a key or a window_column")
        if self.kind != "incremental" and keyed:
            raise ValueError("key and window_column have a meaning with kind incremental only")
        return self


class PipelineDefinition(Strict):
    """Steps, in any order: each runs after those whose datasets it reads."""

    steps: tuple[Step, ...] = Field(min_length=1, max_length=200)
    window_seconds: float = Field(
        default=86400.0, gt=0, le=10 * 366 * 86400, description="For a run whose schedule has no timing of its own"
    )
    time_limit_seconds: float = Field(default=3600.0, gt=0, le=86400)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [step.name for step in self.steps]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two steps are named {', '.join(twice)}")
        return self
