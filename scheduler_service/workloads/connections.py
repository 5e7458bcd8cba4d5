"""Named places that the operator trusts: where work may go, and with which secrets.

A definition mentions a connection by its name; addresses and secrets are set where the processes start, and are in no
row, no log and no answer. Importing this is cheap: the API does it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from scheduler_service.errors import ConnectionUnfit, ConnectionUnknown
from scheduler_service.workloads import checks

SQL_ENGINES = ("postgresql", "mysql", "sqlite")

Text = Annotated[str, Field(min_length=1, max_length=1000)]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=10_000)]
Url = Annotated[str, Field(max_length=2000), checks.PlainUrl]


class Strict(BaseModel):
    """Unknown fields are mistakes; what was validated does not change; what is wrong is not repeated."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class BearerAuth(Strict):
    """`Authorization: Bearer …`."""

    type: Literal["bearer"]
    token: Secret


class KeyAuth(Strict):
    """A key in a header, or in a query parameter where a source has no other way."""

    type: Literal["key"]
    key: Secret
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")] = "X-Api-Key"
    placed: Literal["header", "query"] = "header"


class BasicAuth(Strict):
    """User and password."""

    type: Literal["basic"]
    user: Text
    password: Secret


class OAuth2Auth(Strict):
    """OAuth 2.0 client credentials: a token is fetched, and fetched anew before it expires."""

    type: Literal["oauth2"]
    token_url: Url
    client_id: Text
    client_secret: Secret
    scope: Text | None = None
    placed: Literal["basic", "body"] = Field(default="basic", description="Where the token request has the secret")


Auth = Annotated[BearerAuth | KeyAuth | BasicAuth | OAuth2Auth, Field(discriminator="type")]


class HttpConnection(Strict):
    """A base URL, with what it asks for; it may be private. Secrets are sent to this origin only."""

    type: Literal["http"] = "http"
    url: Url = Field(description="Base URL; a definition's `path` is put after it")
    auth: Auth | None = None
    requests_per_second: float | None = Field(default=None, gt=0, le=1000, description="Asked no faster than this")

    @property
    def place(self) -> str:
        """Where it leads, as it may be told."""
        return self.url.partition("?")[0]


def _sql_url(secret: SecretStr) -> SecretStr:
    parts = urlsplit(secret.get_secret_value())
    if parts.scheme.partition("+")[0] not in SQL_ENGINES:
        raise ValueError(f"must start with one of {', '.join(f'{engine}://' for engine in SQL_ENGINES)}")
    return secret


class SqlConnection(Strict):
    """A database to read from, by its SQLAlchemy URL."""

    type: Literal["sql"]
    url: Annotated[SecretStr, AfterValidator(_sql_url)]

    @property
    def engine(self) -> str:
        """`postgresql`, `mysql` or `sqlite`."""
        return self.url.get_secret_value().partition(":")[0].partition("+")[0]

    @property
    def place(self) -> str:
        """Where it leads, as it may be told."""
        parts = urlsplit(self.url.get_secret_value())
        return f"{self.engine}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _secret_url(secret: SecretStr) -> SecretStr:
    checks.plain_url(secret.get_secret_value())
    return secret


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    return path


def own_api(url: str, key: SecretStr | None) -> HttpConnection:
    """This service's own API, as the connection `self`."""
    return HttpConnection(url=url, auth=BearerAuth(type="bearer", token=key) if key else None)


class SmtpConnection(Strict):
    """A mail server, always with its certificate checked; without TLS only where nothing is signed in to."""

    type: Literal["smtp"]
    host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_-]+$")]
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: Text | None = None
    password: Secret | None = None
    sender: Annotated[str, Field(max_length=254), checks.Mailbox]
    ca_file: Path | None = Field(default=None, description="PEM file of an authority of one's own")
    largest_bytes: int = Field(default=20 * 2**20, ge=0, description="Attachments beyond are named, not attached")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if self.password is not None and self.security == "none":
            raise ValueError("a password is never sent without TLS")
        return self

    @property
    def place(self) -> str:
        """Where it leads, as it may be told."""
        return f"{self.host}:{self.port}"


class WebhookConnection(Strict):
    """A receiver of signed POSTs (standard-webhooks); it may be private. A secret `whsec_…` is base64."""

    type: Literal["webhook"]
    url: Annotated[SecretStr, AfterValidator(_secret_url)] = Field(description="A secret: it often holds a token")
    secret: Secret

    @property
    def place(self) -> str:
        """Where it leads, as it may be told: paths of webhooks are secrets, too."""
        parts = urlsplit(self.url.get_secret_value())
        return f"{parts.scheme}://{parts.netloc}"


class FolderConnection(Strict):
    """A folder that files are put into; nothing is put elsewhere."""

    type: Literal["folder"]
    path: Annotated[Path, AfterValidator(_absolute)]

    @property
    def place(self) -> str:
        """Where it leads, as it may be told."""
        return str(self.path)


AnyConnection = HttpConnection | SqlConnection | SmtpConnection | WebhookConnection | FolderConnection
Connection = Annotated[AnyConnection, Field(discriminator="type")]
Connections = Mapping[str, AnyConnection]
C = TypeVar("C", HttpConnection, SqlConnection, SmtpConnection, WebhookConnection, FolderConnection)


def connection_named(name: str, kind: type[C], connections: Connections) -> C:
    """The connection of this name and kind. Raises: ConnectionUnknown, ConnectionUnfit."""
    if (found := connections.get(name)) is None:
        raise ConnectionUnknown(name)
    if not isinstance(found, kind):
        raise ConnectionUnfit(name, kind=found.type, needed=get_args(kind.model_fields["type"].annotation)[0])
    return found
