"""Where data goes and what came of it: pipelines drawn, datasets looked at, reports shown, connections tried."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler_service.console.site import create_site
from scheduler_service.storage.session import Database
from scheduler_service.workloads.connections import Connections, FolderConnection, HttpConnection
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.turns import Patience, turn
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.serving import KEY, Server
from tests.console.pages import Browser, Node, read
from tests.console.test_work import HOSTILE, given, given_run, given_use
from tests.services.reporting import Office

STEPS = [
    {"name": "clean", "sql": "SELECT id FROM orders"},
    {"name": "daily", "sql": "SELECT count(*) AS n FROM clean, stray"},
]
CHECK = {"check": "unique(id)", "severity": "warn", "passed": False, "found": 37}
BUILT = {
    "steps": [
        {"step": "clean", "kind": "table", "rows": 48208, "seconds": 72.0, "checks": [CHECK]},
        {"step": "daily", "kind": "table", "rows": 7, "seconds": 0.4, "checks": []},
    ]
}


@pytest.fixture
def office(held_database: Database, tmp_path: Path) -> Office:
    """In the console's own data directory."""
    return Office(held_database, tmp_path)


@pytest.fixture
def connected(server: Server, sqlite_site: Database, warehouse: Warehouse, tmp_path: Path) -> Iterator[Browser]:
    """An admin of a service with connections, one of them with a secret."""
    (tmp_path / "share").mkdir()
    bearer = {"type": "bearer", "token": "very-secret"}
    known: Connections = {
        "share": FolderConnection(type="folder", path=tmp_path / "share"),
        "gone": FolderConnection(type="folder", path=tmp_path / "gone"),
        "crm": HttpConnection.model_validate({"url": "https://crm.example/api?key=also-secret", "auth": bearer}),
    }
    places = ReportPlaces(tmp_path)
    server.app = create_site(sqlite_site, admin_key=KEY, warehouse=warehouse, report_places=places, connections=known)
    with Browser(server.url) as browser:
        yield browser.signed_in(KEY)


def given_line(database: Database) -> int:
    """A pipeline between a collect task and a report; its id."""
    given(database, "collect-tasks", "shop orders")
    query = {"type": "table", "sql": "SELECT n FROM daily"}
    given(database, "reports", "the day", {"title": "t", "sections": [query]})
    return given(database, "pipelines", "by day", {"steps": STEPS})


def boxes(page: Node) -> dict[str, str]:
    """What is drawn, with where each leads."""
    return {node.all("text")[0].text: node["href"] for node in page.all("a", cls="node")}


def test_lineage_shows_what_is_read_what_is_made_and_who_reads_that(viewer: Browser, held_database: Database) -> None:
    page = viewer.read(f"/work/pipelines/{given_line(held_database)}")

    assert boxes(page) == {
        "orders": "/work/datasets/orders",
        "stray": "/work/datasets/stray",
        "clean": "#step-clean",
        "daily": "#step-daily",
        "the day": "/work/reports/1",
    }
    drawn = page.one("svg", role="group")
    assert len(drawn.all("path", cls="wire")) == 4
    assert "shop orders" in drawn.text
    assert "made elsewhere" in drawn.text
    assert page.one("tr", id="step-daily").all("td")[1].text == "clean, stray"


def test_steps_and_checks_have_the_figures_of_the_last_run_that_made_them(
    viewer: Browser, held_database: Database
) -> None:
    pipeline = given_line(held_database)
    given_run(held_database, given_use(held_database, "pipelines", pipeline), result=BUILT)

    page = viewer.read(f"/work/pipelines/{pipeline}")

    clean = page.one("tr", id="step-clean")
    assert clean.texts("td") == ["succeeded", "orders", "48,208", "1", "1 min 12 s"]
    assert page.one("section", aria_labelledby="h-checks").rows() == [["unique(id)", "37", "", "clean", "warn"]]
    assert "48,208 rows, 1 min 12 s" in page.one("svg", role="group").text


def test_a_run_that_stopped_shows_where_and_what_was_not_reached(viewer: Browser, held_database: Database) -> None:
    pipeline = given_line(held_database)
    nightly = given_use(held_database, "pipelines", pipeline)
    given_run(held_database, nightly, result=BUILT)
    why = "ChecksFailed: Nothing was changed, since checks failed: clean: unique(id) found 3."
    given_run(held_database, nightly, state="failed", error=why)

    page = viewer.read(f"/work/pipelines/{pipeline}")

    states = [page.one("tr", id=f"step-{name}").all("td")[0].text for name in ("clean", "daily")]
    assert states == ["failed", "not reached"]
    assert page.one("a", cls="node-bad")["href"] == "#step-clean"
    assert "clean failed, what comes after was not reached" in page.one("svg", role="group")["aria-label"]
    assert len(page.all("path", cls="wire-bad")) == 2
    assert why in page.one("div", cls="note-bad").text


def test_what_a_check_came_to_lately_is_a_strip(viewer: Browser, held_database: Database) -> None:
    pipeline = given_line(held_database)
    nightly = given_use(held_database, "pipelines", pipeline)
    well = {"steps": [{"step": "clean", "checks": [CHECK | {"passed": True, "found": 0}]}]}
    why = "ChecksFailed: Nothing was changed, since checks failed: clean: unique(id) found 3."
    for told in (
        {"result": well}, {"result": BUILT}, {"state": "failed", "error": why}, {"state": "lost"}, {"result": well},
    ):  # fmt: skip
        given_run(held_database, nightly, **told)

    strip = (
        viewer.read(f"/work/pipelines/{pipeline}").one("section", aria_labelledby="h-checks").one("svg", cls="strip")
    )

    assert strip["aria-label"] == "looked 4 times, 1 warned, 1 stopped the run"
    drawn = {path["class"]: path["d"].count("M") for path in strip.all("path")}
    assert drawn == {"v-past": 2, "v-warn": 1, "v-bad": 1}


def test_a_pipeline_that_reads_in_a_circle_is_still_drawn(sqlite_admin: Browser, sqlite_site: Database) -> None:
    steps = [{"name": "a", "sql": "SELECT * FROM b"}, {"name": "b", "sql": "SELECT * FROM a"}]

    page = sqlite_admin.read(f"/work/pipelines/{given(sqlite_site, 'pipelines', 'round', {'steps': steps})}")

    assert {*boxes(page)} == {"a", "b"}


def given_table(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        connection.execute("CREATE TABLE orders (id BIGINT, note VARCHAR, tags VARCHAR[])")
        connection.execute("INSERT INTO orders SELECT n, ?, ['a'] FROM range(30) AS r(n)", [HOSTILE])
        connection.execute(
            "CREATE TABLE _collect_run (run_id VARCHAR, task_id BIGINT, dataset VARCHAR, attempt INTEGER, rows_read "
            "BIGINT, rows_written BIGINT, pages BIGINT, files BIGINT, loaded_at TIMESTAMPTZ)"
        )
        for number, rows in enumerate((20, 10), 1):
            connection.execute(
                f"INSERT INTO _collect_run VALUES ('run-{number}', 1, 'orders', 1, {rows}, {rows}, 1, 0, "
                f"'2026-03-0{number} 12:00:00+00')"
            )


def test_a_dataset_shows_schema_rows_growth_and_its_ties(
    viewer: Browser, held_database: Database, warehouse: Warehouse
) -> None:
    given_table(warehouse)
    given_line(held_database)
    talk = {"type": "text", "markdown": "orders are only talked about"}
    given(held_database, "reports", "a talk", {"title": "orders", "sections": [talk]})

    page = viewer.read("/work/datasets/orders")

    assert page.one("p", cls="lede").text.startswith("30 rows, last written")
    assert page.one("section", aria_labelledby="h-columns").texts("dd") == ["BIGINT", "VARCHAR", "VARCHAR[]"]
    sample = page.one("table", cls="sample").rows()
    assert (len(sample), sample[0]) == (20, ["0", HOSTILE, '["a"]'])
    chart = page.one("figure", cls="chart")
    assert chart.text.endswith("The last 2 loads wrote 30 rows.")
    assert [link["href"] for link in chart.all("a")] == ["/runs/run-1", "/runs/run-2"]
    assert page.one("section", aria_labelledby="h-made").one("a").text == "shop orders"
    assert page.one("section", aria_labelledby="h-readers").one("a").text == "by day"
    assert "<script>" not in viewer.last.text  # type: ignore[union-attr]


def test_datasets_are_listed_and_found_by_name(
    sqlite_admin: Browser, sqlite_site: Database, warehouse: Warehouse
) -> None:
    assert sqlite_admin.read("/work/datasets").one("div", cls="empty").one("h2").text == "No dataset yet"
    given_table(warehouse)

    rows = sqlite_admin.read("/work/datasets").rows()

    assert [row[:4] for row in rows] == [["orders", "table", "30", "3"]]
    assert sqlite_admin.read("/work/datasets?q=carts").one("div", cls="empty").one("h2").text == "Nothing matches"
    sqlite_admin.read("/work/datasets/_collect_run", status=404)


def test_a_warehouse_that_somebody_writes_is_told_in_words(
    sqlite_admin: Browser, sqlite_site: Database, warehouse: Warehouse
) -> None:
    given_table(warehouse)

    with turn(warehouse.path, write=True, patience=Patience.of(1, lambda: None)):
        page = sqlite_admin.read("/work/datasets/orders", status=503)

    assert page.one("div", cls="empty").one("h2").text == "Busy with a load"


def test_a_report_shows_its_last_issue_in_a_sandbox(operator: Browser, office: Office) -> None:
    report = office.report(HOSTILE, outputs=["html", "pdf"], deliver=[{"type": "folder", "connection": "share"}])
    office.run(report)
    made = {one.output: one for one in office.artifacts()}

    page = operator.read(f"/work/reports/{report}")

    frame = page.one("iframe")
    assert (frame["sandbox"], frame["src"]) == ("", f"/api/v1/artifacts/{made['html'].id}/content?inline=true")
    shown = operator.http.get(frame["src"])
    assert shown.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "frame-src 'self'" in operator.last.headers["content-security-policy"]  # type: ignore[union-attr]
    assert page.has("a", href=f"/work/artifacts/{made['pdf'].id}")
    assert page.one("section", aria_labelledby="h-deliveries").rows()[0][:3] == ["share folder", "delivered", "1"]


def test_a_preview_answers_with_a_page_that_can_do_nothing(operator: Browser, office: Office) -> None:
    page = operator.read(f"/work/reports/{office.report(outputs=['html'])}")
    form = page.one("form", cls="preview")

    operator.send(form, at="2026-03-01T09:00")
    shown = operator.last
    refused = operator.post(form["action"], {"at": "yesterday"})

    assert form["target"] == page.one("iframe")["name"]
    assert shown is not None
    assert shown.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "2026-02-28 09:00 to 2026-03-01 09:00 (UTC)" in shown.text
    assert (refused.status_code, "must be a date and time" in refused.text) == (422, True)
    assert office.artifacts() == []


def test_a_viewer_previews_and_delivers_nothing(viewer: Browser, office: Office) -> None:
    report = office.report(outputs=["html"], deliver=[{"type": "folder", "connection": "share"}])
    office.run(report)
    artifact, delivery = office.artifacts()[0].id, office.deliveries()[0].id

    for path in (f"reports/{report}", f"artifacts/{artifact}"):
        assert not viewer.read(f"/work/{path}").one("main").has("button")
    for path in (f"reports/{report}/preview", f"artifacts/{artifact}/deliver", f"deliveries/{delivery}/retry"):
        assert viewer.post(f"/work/{path}").status_code == 403
    assert [one.state for one in office.deliveries()] == ["sent"]


def test_a_delivery_is_sent_again(operator: Browser, office: Office) -> None:
    report = office.report(outputs=["csv"], deliver=[{"type": "folder", "connection": "share"}])
    office.run(report)
    page = operator.read(f"/work/reports/{report}")

    asked = page.one("section", aria_labelledby="h-deliveries").one("dialog")
    assert asked.one("h2").text == "Send it to share again?"

    after = operator.send(asked.one("form"))

    assert [one.state for one in office.deliveries()] == ["pending"]
    assert after.one("section", aria_labelledby="h-deliveries").rows()[0][1] == "on its way"


def test_an_artifact_goes_to_somebody_else(connected: Browser, sqlite_site: Database, tmp_path: Path) -> None:
    office = Office(sqlite_site, tmp_path)
    office.run(office.report(outputs=["html"]))
    path = f"/work/artifacts/{office.artifacts()[0].id}"
    form = connected.read(path).one("form", action=f"{path}/deliver")

    assert [option["value"] for option in form.all("option")] == ["share", "gone"]
    refused = connected.send(form, connection="crm", status=422)
    sent = connected.send(form, connection="share")

    assert refused.one("p", id="connection-error").text == "must be one of those that deliver"
    assert sent.one("div", cls="toast").text == "1 delivery is on its way."
    assert [(one.target["connection"], one.state) for one in office.deliveries()] == [("share", "pending")]


def test_artifacts_are_listed_newest_first_and_by_type(viewer: Browser, office: Office) -> None:
    report = office.report("weekly", outputs=["html", "csv"])
    office.run(report)

    listed = viewer.read("/work/artifacts?limit=1")
    older = viewer.read(listed.one("a", rel="next")["href"])
    only = viewer.read(f"/work/artifacts?output=csv&report_id={report}")

    assert [row[1] for row in listed.rows() + older.rows()] == ["weekly", "weekly"]
    assert len(only.rows()) == 1
    assert only.one("span", cls="chip").one("a")["href"] == "/work/artifacts?output=csv"
    viewer.read("/work/artifacts/018f0000-0000-7000-8000-000000000000", status=404)


def test_connections_are_tried_and_their_secrets_told_nowhere(connected: Browser) -> None:
    page = connected.read("/work/connections")
    rows = {row[0]: row for row in page.rows()}
    assert (rows["crm"][1:5]) == ["http", "https://crm.example/api", "bearer", "not tried"]
    assert "-secret" not in connected.last.text  # type: ignore[union-attr]

    works = connected.send(page.one("form", action="/work/connections/share/test"))
    broken = connected.post("/work/connections/gone/test", None, **{"HX-Request": "true"})

    assert {row[0]: row[4] for row in works.rows()}["share"].startswith("works can be written to, ")
    assert "<html" not in broken.text
    assert "does not work" in read(broken.text).text
    assert connected.post("/work/connections/nowhere/test").status_code == 404


def test_connections_are_no_business_of_a_viewer(viewer: Browser) -> None:
    viewer.read("/work/connections", status=403)

    assert viewer.post("/work/connections/warehouse/test").status_code == 403
    assert "/work/connections" not in [link["href"] for link in viewer.read("/work").all("a")]


def test_work_at_a_glance_has_the_first_of_each_kind_and_the_latest_files(viewer: Browser, office: Office) -> None:
    report = office.report("weekly", outputs=["html"])
    office.run(report)
    given(office.database, "pipelines", "by day")

    page = viewer.read("/work")

    assert page.one("section", aria_labelledby="h-pipelines").rows()[0][0] == "by day"
    assert page.one("section", aria_labelledby="h-reports").rows()[0][0] == "weekly"
    assert page.one("section", aria_labelledby="h-collect-tasks").texts("h2") == [
        "Collect tasks",
        "No collect task yet",
    ]
    assert len(page.one("section", aria_labelledby="h-artifacts").rows()) == 1
