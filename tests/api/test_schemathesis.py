"""Whatever is sent, the answer is one that the OpenAPI document declares, and never a 5xx.

Requests are made from the document itself: right ones, wrong ones, and sequences of them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.schemas import BaseSchema

from scheduler_service.api.access import Access
from scheduler_service.api.app import create_api
from scheduler_service.storage.session import Database
from scheduler_service.workloads.warehouse import Warehouse
from tests.api.serving import KEY, Server

#: A stream does not end; the others have tests of their own.
ENDLESS = "/api/v1/events"
#: Rules between fields, such as `expires` after `start_time`, cannot be said in a schema; PUT /schedules/bulk is one of
#: the schedule named bulk, which is no id.
EXCUSED = ("positive_data_acceptance", "unsupported_method")
EXAMPLES = settings(
    max_examples=4, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
HEADERS = {"Authorization": f"Bearer {KEY}"}

REFUSALS = ["400", "401", "403", "404", "406", "409", "412", "413", "415", "422"]
config = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}})
_nowhere = create_api(Database("sqlite://"), admin_key=KEY, warehouse=Warehouse(Path("nowhere")))
#: Nothing wrong can be sent to what takes nothing at all.
CASES = [
    pytest.param(path, method, mode, id=f"{method} {path}, {mode.value}")
    for path, methods in _nowhere.openapi()["paths"].items()
    for method in methods
    for mode in GenerationMode
    if path != ENDLESS and (mode is GenerationMode.POSITIVE or path.startswith("/api/"))
]


def excused() -> Any:
    """The checks that are left out; they are known once a document was read."""
    return CHECKS.get_by_names(EXCUSED)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[BaseSchema]:
    folder = tmp_path_factory.mktemp("schemathesis")
    (folder / "scheduler.db").write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{folder / 'scheduler.db'}")
    unlimited = Access(per_key=0, per_address=0, bad_keys=0)
    app = create_api(database, admin_key=KEY, warehouse=Warehouse(folder / "warehouse.duckdb"), access=unlimited)
    with Server().running() as server:
        server.app = app
        yield schemathesis.openapi.from_url(f"{server.url}/openapi.json", config=config).exclude(path=ENDLESS)
    database.close()


@pytest.mark.parametrize(("path", "method", "mode"), CASES)
def test_no_request_is_answered_otherwise_than_declared(
    document: BaseSchema, path: str, method: str, mode: GenerationMode
) -> None:
    @given(case=document[path][method].as_strategy(generation_mode=mode))
    @EXAMPLES
    def ask(case: Any) -> None:
        case.call_and_validate(headers=HEADERS, excluded_checks=excused())

    ask()


def test_no_sequence_of_requests_is_either(document: BaseSchema) -> None:
    """Ids of answers go into the requests that follow."""
    base = document.as_state_machine()

    class Session(base):  # type: ignore[valid-type, misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": HEADERS}

        def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
            case.validate_response(response, excluded_checks=excused())

    run_state_machine_as_test(Session, settings=settings(EXAMPLES, max_examples=20, stateful_step_count=8))
