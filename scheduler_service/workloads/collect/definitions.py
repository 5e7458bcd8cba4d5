"""What a collect task is: the document that a person writes and a row keeps. No secret fits into it.

Secrets belong to a connection, which the operator names where the process starts; a definition only mentions the
name. Importing this is cheap: the API does it.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from scheduler_service.workloads import checks
from scheduler_service.workloads.connections import Strict

JsonPath = Annotated[str, Field(min_length=1, max_length=500), checks.JsonPathSyntax]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Format = Literal["csv", "jsonl", "parquet", "excel"]


class NoPaging(Strict):
    """One request has it all."""

    type: Literal["none"] = "none"


class PagePaging(Strict):
    """Numbered pages, until one is empty (or the source says 404)."""

    type: Literal["page"]
    param: Name = "page"
    start: int = 1
    size_param: Name | None = None
    size: int | None = Field(default=None, ge=1)


class OffsetPaging(Strict):
    """Records skipped and records wanted, until a page is empty."""

    type: Literal["offset"]
    param: Name = "offset"
    size_param: Name = "limit"
    size: int = Field(default=100, ge=1)


class CursorPaging(Strict):
    """Each body says where the next page begins, until it does not."""

    type: Literal["cursor"]
    param: Name = "cursor"
    next: JsonPath = Field(description="JSONPath of the next cursor in the body", examples=["$.next_cursor"])


class LinkPaging(Strict):
    """A Link header with rel="next"."""

    type: Literal["link"]


class NextUrlPaging(Strict):
    """Each body has the URL of the next page, absolute or relative."""

    type: Literal["next_url"]
    next: JsonPath = Field(description="JSONPath of the next URL in the body", examples=["$.links.next"])


Paging = Annotated[
    NoPaging | PagePaging | OffsetPaging | CursorPaging | LinkPaging | NextUrlPaging, Field(discriminator="type")
]


class Incremental(Strict):
    """Read only what is new since the greatest value seen.

    With mode `merge` the source is asked from `lag_seconds` before that value, and the key folds the overlap. With
    `append` only records strictly after it are taken, and those younger than `lag_seconds` are left for the next run,
    so that records that share one instant are not torn apart.
    """

    cursor_field: Name = Field(description="Field of a record, dots lead inwards", examples=["updated_at", "meta.id"])
    initial: str | int | float | None = Field(default=None, description="Where the first run begins; None: with all")
    lag_seconds: float = Field(default=0, ge=0, le=31 * 86400)


class HttpIncremental(Incremental):
    """The source is told from where on."""

    param: Name = Field(description="Query parameter under which the last value is sent", examples=["since"])


class RetryPolicy(Strict):
    """How often to try, and how long to wait: doubling, with jitter; a Retry-After counts up to `max_wait_seconds`."""

    attempts: int = Field(default=4, ge=1, le=20)
    backoff_seconds: float = Field(default=1.0, ge=0, le=300)
    max_wait_seconds: float = Field(default=60.0, ge=0, le=3600)


class HttpPlace(Strict):
    """Asked with GET: at a public `url`, or at a named `connection` and a `path` under it."""

    url: Annotated[str, checks.PlainUrl] | None = None
    connection: Name | None = None
    path: Annotated[str, Field(max_length=2000), checks.RelativePath] | None = None
    params: dict[Name, str | int | float | bool] = Field(default_factory=dict)
    headers: Annotated[dict[Name, str], checks.PlainHeaders] = Field(default_factory=dict)
    retry: RetryPolicy = RetryPolicy()
    requests_per_second: float | None = Field(default=None, gt=0, le=1000, description="Asked no faster than this")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) == (self.connection is None):
            raise ValueError("give either url, or connection and path")
        if self.url is not None and self.path is not None:
            raise ValueError("path belongs to a connection; with url, put it into the url")
        return self


class HttpSource(HttpPlace):
    """A JSON API."""

    type: Literal["http"]
    records: JsonPath = Field(default="$", description="JSONPath of the records: an object, or a list of them")
    paging: Paging = NoPaging()
    incremental: HttpIncremental | None = None
    timeout_seconds: float = Field(default=30.0, gt=0, le=600, description="For one request, all of it")


class FileFormat(Strict):
    """How to read a file; each option has a meaning for some formats. Compressed ones end in .gz, .bz2, .xz or .zst."""

    format: Format | None = Field(default=None, description="None: by the file's ending")
    delimiter: Annotated[str, checks.OneCharacter] = ","
    quote: Annotated[str, checks.OneCharacter] = '"'
    header: bool = True
    encoding: Annotated[str, checks.TextEncoding] = "utf-8"
    dateformat: str | None = Field(default=None, min_length=2, max_length=100, examples=["%d/%m/%Y"])
    sheet: Name | None = Field(default=None, description="Of an Excel file; None: the first")


class HttpFileSource(HttpPlace, FileFormat):
    """One file at a URL, of any format that files may have. It is read whole each time."""

    type: Literal["http_file"]
    timeout_seconds: float = Field(default=600.0, gt=0, le=7200, description="For the whole file")

    @property
    def incremental(self) -> None:
        """There is nothing to go on from."""


class FileSource(FileFormat):
    """A file, a folder or a glob, under the folders that the operator allows.

    With `incremental`, a file is read once in each of its states (path, size, time, head and tail); one that has
    changed is read again whole, so let files that grow be merged by a key.
    """

    type: Literal["file"]
    path: Annotated[str, Field(min_length=1, max_length=4000), checks.FilePath]
    incremental: bool = False
    settle_seconds: float = Field(default=2.0, ge=0, le=60, description="A file touched more recently is waited for")


class SqlSource(Strict):
    """A table (or view) of a named SQL connection, or one query; it is read in a read-only transaction."""

    type: Literal["sql"]
    connection: Name
    table: Annotated[str, Field(max_length=200), checks.TableName] | None = Field(
        default=None, examples=["shop.orders"]
    )
    query: Annotated[str, Field(min_length=1, max_length=100_000)] | None = None
    params: dict[Name, str | int | float | bool | None] = Field(
        default_factory=dict, description="Values for `:name` in the query"
    )
    incremental: Incremental | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either table or query")
        if self.table is not None and self.params:
            raise ValueError("params belong to a query")
        return self


class PythonSource(Strict):
    """A callable that is installed beside the service, as an entry point of the group `scheduler_service.sources`.

    It yields rows (mappings), lists of them, or Arrow tables. With `incremental` it is given the last value as `since`.
    """

    type: Literal["python"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
    arguments: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], JsonValue] = Field(default_factory=dict)
    incremental: Incremental | None = None


Source = Annotated[HttpSource | HttpFileSource | FileSource | SqlSource | PythonSource, Field(discriminator="type")]


class CollectDefinition(Strict):
    """A collect task: from where, into which dataset, and how."""

    dataset: Annotated[str, checks.DatasetName]
    source: Source
    mode: Literal["append", "replace", "merge"] = "append"
    key: tuple[Name, ...] = Field(default=(), max_length=20, description="Columns that tell rows apart; for merge")
    contract: Literal["evolve", "freeze"] = "evolve"
    max_rows: int = Field(default=10_000_000, ge=1, le=1_000_000_000)
    time_limit_seconds: float = Field(default=900.0, gt=0, le=86400)

    @field_validator("key")
    @classmethod
    def _unlike(cls, key: tuple[str, ...]) -> tuple[str, ...]:
        if len({column.casefold() for column in key}) < len(key):
            raise ValueError("names a column twice")
        return key

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.mode == "merge" and not self.key:
            raise ValueError("mode merge needs a key")
        if self.mode != "merge" and self.key:
            raise ValueError("a key has a meaning with mode merge only")
        if self.mode == "replace" and self.source.incremental:
            raise ValueError("mode replace reads everything each time, so the source cannot be incremental")
        return self
