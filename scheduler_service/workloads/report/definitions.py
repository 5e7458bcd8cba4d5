"""What a report is: the document that a person writes and a row keeps.

Its queries may use `{{ occurrence_at }}`, `{{ window_start }}` and `{{ window_end }}`, so that a report on a past day
says what that day's said. Importing this is cheap: the API does it.
"""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from scheduler_service.timing import zones
from scheduler_service.workloads import checks
from scheduler_service.workloads.connections import Strict
from scheduler_service.workloads.delivery.targets import Target

MOST_ROWS = 200_000
MOST_SHOWN = 1000
MOST_SECTIONS = 100

Title = Annotated[str, Field(max_length=200, pattern=checks.ONE_LINE)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Sql = Annotated[str, Field(min_length=1, max_length=100_000)]
Output = Literal["html", "pdf", "xlsx", "csv"]


def _zone(name: str) -> str:
    if name not in zones.names():
        near = zones.suggest(name)
        raise ValueError("is no known time zone" + (f"; near to it: {', '.join(near)}" if near else ""))
    return name


class Shown(Strict):
    """How the values of a column look."""

    column: Name
    title: Title | None = Field(default=None, description="None: the column's name")
    format: Literal["plain", "number", "percent", "bytes", "seconds"] = Field(
        default="plain", description="percent: of a fraction; seconds: as in 2 h 05 min"
    )
    digits: int | None = Field(default=None, ge=0, le=6, description="Behind the point; None: as many as help")


class Metric(Shown):
    """A number that stands for itself."""

    good: Literal["up", "down"] | None = Field(default=None, description="Which change is a good one: it is coloured")


class TextSection(Strict):
    """Markdown, without HTML and images."""

    type: Literal["text"]
    title: Title = ""
    markdown: Annotated[str, Field(max_length=20_000)]


class MetricsSection(Strict):
    """The columns of the first row of a query, each with its change against the window before."""

    type: Literal["metrics"]
    title: Title = ""
    sql: Sql
    items: tuple[Metric, ...] = Field(default=(), max_length=12, description="None: every column, as it is")
    compare: bool = Field(default=True, description="Ask again for the window before this one")


class TableSection(Strict):
    """Rows of a query. A page shows the first of them; XLSX and CSV have them all."""

    type: Literal["table"]
    title: Title = ""
    sql: Sql
    columns: tuple[Shown, ...] = Field(default=(), max_length=100, description="None: every column, as it is")
    shown: int = Field(default=100, ge=1, le=MOST_SHOWN, description="Rows in HTML and PDF")
    max_rows: int = Field(default=10_000, ge=1, le=MOST_ROWS, description="Rows that are read at most")


class ChartSection(Strict):
    """A picture of the rows of a query."""

    type: Literal["chart"]
    title: Title = ""
    sql: Sql
    kind: Literal["line", "bar", "area", "scatter", "heatmap"]
    x: Name = Field(description="Column along the bottom")
    y: Annotated[tuple[Name, ...], checks.NotEmpty] = Field(
        max_length=10, description="Columns of values; of a heat-map: the rows"
    )
    series: Name | None = Field(default=None, description="Column that tells lines, bars or points apart, by colour")
    value: Name | None = Field(default=None, description="Of a heat-map: the column of the colour")
    format: Literal["plain", "number", "percent", "bytes", "seconds"] = "plain"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.value is not None) != (self.kind == "heatmap"):
            raise ValueError("a heat-map, and nothing else, has a value")
        if len(self.y) > 1 and (self.series is not None or self.kind == "heatmap"):
            raise ValueError("with a series or a heat-map there is one y")
        return self


Section = Annotated[TextSection | MetricsSection | TableSection | ChartSection, Field(discriminator="type")]


class ReportDefinition(Strict):
    """A report: its sections, what becomes of them, and who gets it."""

    title: Annotated[str, Field(min_length=1, max_length=200, pattern=checks.ONE_LINE)]
    sections: Annotated[tuple[Section, ...], checks.NotEmpty] = Field(max_length=MOST_SECTIONS)
    outputs: Annotated[tuple[Output, ...], checks.NotEmpty] = ("html", "pdf")
    deliver: tuple[Target, ...] = Field(default=(), max_length=20)
    language: Literal["en", "zh"] = Field(default="en", description="Of what the service itself says in it")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(default="UTC", description="Instants are shown in it")
    window_seconds: int | None = Field(
        default=None, ge=1, le=366 * 86400, description="None: from the schedule's occurrence before, else a day"
    )
    time_limit_seconds: float = Field(default=600.0, gt=0, le=7200)

    @property
    def window(self) -> timedelta | None:
        """How much it is about; None: what the schedule says."""
        return timedelta(seconds=self.window_seconds) if self.window_seconds is not None else None

    @field_validator("outputs")
    @classmethod
    def _once(cls, outputs: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(outputs)) < len(outputs):
            raise ValueError("names one twice")
        return outputs

    @model_validator(mode="after")
    def _makes_what_it_delivers(self) -> Self:
        if "csv" in self.outputs and all(section.type != "table" for section in self.sections):
            raise ValueError("makes a CSV of each table, and has none")
        for target in self.deliver:
            if lacking := set(target.outputs) - set(self.outputs):
                raise ValueError(f"delivers {', '.join(sorted(lacking))}, which is not among its outputs")
        return self
