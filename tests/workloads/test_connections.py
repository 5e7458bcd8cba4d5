"""Connections as an operator writes them down."""

from pathlib import Path

import pytest

from scheduler_service.errors import CannotStart, ConnectionUnfit, ConnectionUnknown
from scheduler_service.workloads.connection_files import read
from scheduler_service.workloads.connections import (
    Connections,
    HttpConnection,
    SqlConnection,
    connection_named,
    own_api,
)

SECRET = "s3cr3t"
YAML = f"""
crm:
  type: http
  url: https://crm.example/api
  auth: {{type: bearer, token: {SECRET}}}
  requests_per_second: 5
shop:
  type: sql
  url: postgresql://reader:{SECRET}@db.example:5433/shop?sslmode=require
"""
TOML = f"""
[crm]
type = "http"
url = "https://crm.example/api"
requests_per_second = 5
auth = {{type = "bearer", token = "{SECRET}"}}

[shop]
type = "sql"
url = "postgresql://reader:{SECRET}@db.example:5433/shop?sslmode=require"
"""
OWN = own_api("http://127.0.0.1:8000", None)


def written(folder: Path, text: str, *, name: str = "connections.yaml", mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def given(file: Path | None = None, **environ: str) -> Connections:
    return read(file, environ, own=OWN)


@pytest.mark.parametrize(("name", "text"), [("c.yaml", YAML), ("c.toml", TOML)])
def test_a_file_names_them(tmp_path: Path, name: str, text: str) -> None:
    connections = given(written(tmp_path, text, name=name))

    crm = connection_named("crm", HttpConnection, connections)
    shop = connection_named("shop", SqlConnection, connections)
    assert sorted(connections) == ["crm", "self", "shop"]
    assert (crm.place, crm.requests_per_second) == ("https://crm.example/api", 5)
    assert crm.auth is not None
    assert crm.auth.type == "bearer"
    assert shop.place == "postgresql://db.example:5433/shop"


def test_no_secret_is_in_what_is_shown(tmp_path: Path) -> None:
    connections = given(written(tmp_path, YAML), SCHEDULER_CONNECTION_ERP=f"https://u:{SECRET}@erp.example")

    assert SECRET not in repr(connections)
    for connection in connections.values():
        assert SECRET not in f"{connection} {connection.place} {connection.model_dump_json()}"


@pytest.mark.parametrize(
    ("url", "type_", "place", "auth"),
    [
        ("https://crm.example/v1", "http", "https://crm.example/v1", None),
        (f"https://:{SECRET}@crm.example/v1", "http", "https://crm.example/v1", "bearer"),
        ("https://me:p%40ss@crm.example:8443", "http", "https://crm.example:8443", "basic"),
        (f"mysql://me:{SECRET}@db.example/shop", "sql", "mysql://db.example/shop", None),
        ("sqlite:////data/shop.db", "sql", "sqlite:////data/shop.db", None),
    ],
)
def test_the_environment_names_them_by_url(url: str, type_: str, place: str, auth: str | None) -> None:
    found = given(SCHEDULER_CONNECTION_MY_CRM=url)["my_crm"]

    assert (found.type, found.place) == (type_, place)
    assert isinstance(found, HttpConnection | SqlConnection)
    assert (found.auth.type if isinstance(found, HttpConnection) and found.auth else None) == auth


def test_a_password_in_a_url_is_unescaped() -> None:
    found = connection_named("crm", HttpConnection, given(SCHEDULER_CONNECTION_CRM="https://me:p%40ss@crm.example"))

    assert found.auth is not None
    assert found.auth.type == "basic"
    assert (found.auth.user, found.auth.password.get_secret_value()) == ("me", "p@ss")


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    connections = given(written(tmp_path, YAML), SCHEDULER_CONNECTION_CRM="https://other.example")

    assert connections["crm"].place == "https://other.example"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            f"crm: {{type: http, url: 'https://u:{SECRET}@h'}}", "crm: http.url: .* credentials", id="in a URL"
        ),
        pytest.param(f"crm: {{type: ftp, token: {SECRET}}}", "crm: it: .*'ftp'", id="another kind"),
        pytest.param(
            f"crm: {{type: http, url: 'https://h', token: {SECRET}}}", "http.token: Extra", id="another field"
        ),
        pytest.param(f"s: {{type: sql, url: 'oracle://u:{SECRET}@h'}}", "must start with", id="another database"),
        pytest.param(f"Crm: {{type: http, url: {SECRET}}}", "a name is a lower-case letter", id="a name"),
        pytest.param("self: {type: http, url: 'https://h'}", "taken by the service", id="our own name"),
        pytest.param("warehouse: {type: http, url: 'https://h'}", "taken by the service", id="our other name"),
        pytest.param(f"crm: [{SECRET}", "no YAML, from line", id="no YAML"),
        pytest.param(f"- {SECRET}", "by their names", id="a list"),
    ],
)
def test_what_is_wrong_is_told_without_the_secret(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(CannotStart, match=f"SCHEDULER_CONNECTIONS_FILE.*{reason}") as caught:
        given(written(tmp_path, text))

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("url", [f"ftp://u:{SECRET}@h", f"https://[{SECRET}", f"https://u:{SECRET}@h:99999"])
def test_a_wrong_url_is_told_without_the_secret(url: str) -> None:
    with pytest.raises(CannotStart, match="SCHEDULER_CONNECTION_CRM") as caught:
        given(SCHEDULER_CONNECTION_CRM=url)

    assert SECRET not in str(caught.value)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="others may read it: chmod 600"):
        given(written(tmp_path, YAML, mode=0o604))

    assert "crm" in given(written(tmp_path, YAML, mode=0o640))


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="cannot be read"):
        given(tmp_path / "nothing.yaml")


def test_only_one_of_that_name_and_kind_will_do(tmp_path: Path) -> None:
    connections = given(written(tmp_path, YAML))

    with pytest.raises(ConnectionUnknown):
        connection_named("erp", HttpConnection, connections)
    with pytest.raises(ConnectionUnfit):
        connection_named("crm", SqlConnection, connections)
