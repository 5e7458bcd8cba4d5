"""Where a report is to go. Addresses of people and names of connections; no secret fits into it."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from scheduler_service.workloads import checks
from scheduler_service.workloads.connections import Strict

Output = Literal["html", "pdf", "xlsx", "csv"]
Connection = Annotated[str, Field(min_length=1, max_length=63, description="The connection's name")]


def _subfolder(path: str) -> str:
    if path.startswith("/") or "\\" in path or "\0" in path or ".." in path.split("/"):
        raise ValueError("must be a plain path under the connection's folder")
    return path


Mailbox = Annotated[str, Field(min_length=3, max_length=254), checks.Mailbox]


class EmailTarget(Strict):
    """An e-mail that shows the report, with outputs attached; what is too large is named instead."""

    type: Literal["email"]
    connection: Connection
    to: Annotated[tuple[Mailbox, ...], checks.NotEmpty] = Field(max_length=100)
    subject: Annotated[str, Field(min_length=1, max_length=200, pattern=checks.ONE_LINE)] | None = Field(
        default=None, description="None: the report's title and its window's end"
    )
    outputs: tuple[Output, ...] = Field(default=(), description="What is attached")


class WebhookTarget(Strict):
    """A signed POST that says what was made and where to fetch it."""

    type: Literal["webhook"]
    connection: Connection
    outputs: tuple[Output, ...] = Field(default=(), description="What is told of; none: all")


class FolderTarget(Strict):
    """A copy of each output."""

    type: Literal["folder"]
    connection: Connection
    path: Annotated[str, Field(max_length=500), AfterValidator(_subfolder)] = ""
    outputs: tuple[Output, ...] = Field(default=(), description="What is copied; none: all")


Target = Annotated[EmailTarget | WebhookTarget | FolderTarget, Field(discriminator="type")]
