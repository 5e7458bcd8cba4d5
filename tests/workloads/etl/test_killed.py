"""A run whose process is killed leaves every table as it was, wherever it was; its repeat completes."""

import psutil
import pytest

from scheduler_service.errors import WorkDied
from scheduler_service.workloads import killable
from tests.workloads.etl.hanging import hanging
from tests.workloads.etl.pipelines import Mill, step

STEPS = (
    step("first", "SELECT id, amount + {extra} AS amount FROM orders"),
    step("second", "SELECT id FROM first WHERE amount > 0", kind="view"),
    step("third", "SELECT id, {extra} AS extra FROM orders", kind="incremental", key=["id"]),
    step("fourth", "SELECT sum(amount) AS amount FROM first", checks=[{"type": "row_count"}]),
)


def steps(extra: int) -> list[dict[str, object]]:
    return [one | {"sql": one["sql"].format(extra=extra)} for one in STEPS]


def state(mill: Mill) -> list[object]:
    return [
        mill.column("first", "amount"),
        mill.column("third", "extra"),
        mill.rows("fourth"),
        len(mill.rows("second")),
    ]


def kill_the_work() -> None:
    (child,) = the_work()
    child.kill()


def the_work() -> list[psutil.Process]:
    """The process that executes; this one may have other children, such as the tests' PostgreSQL."""
    living = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in living if killable.__name__ in child.cmdline()]


@pytest.mark.parametrize("where", ["first", "second", "third", "fourth"])
def test_killed_in_a_step_nothing_has_changed_and_the_repeat_completes(mill: Mill, where: str) -> None:
    mill.run(*steps(0))
    before = state(mill)
    dying = Mill(hanging(mill.warehouse, "before the commit"))

    def kill_there(*, text: str, **_: object) -> None:
        if text == where:
            kill_the_work()

    with pytest.raises(WorkDied, match="killed by signal 9; nothing was changed"):
        dying.run(*steps(100), run_id="killed", told=kill_there)

    assert state(mill) == before
    assert mill.run(*steps(100), run_id="killed")["already_done"] is False
    assert state(mill) == [[105, 110, 120], [100, 100, 100], [{"amount": 335}], 3]


def test_killed_before_its_first_end_there_is_nothing(mill: Mill) -> None:
    dying = Mill(hanging(mill.warehouse, "before the commit"))

    with pytest.raises(WorkDied):
        dying.run(*steps(0), told=lambda *, text, **_: kill_the_work() if text == "fourth" else None)

    assert mill.names() == ["orders"]


def test_killed_after_the_commit_the_run_is_done(mill: Mill) -> None:
    dying = Mill(hanging(mill.warehouse, "after the commit"))

    def kill_once_it_is_there() -> bool:
        if "fourth" in mill.names():
            for child in the_work():  # none, once it has died of it
                child.kill()
        return False

    outcome = dying.run(*steps(0), run_id="the-run", cancelled=kill_once_it_is_there)

    assert [one["step"] for one in outcome["steps"]] == ["first", "second", "third", "fourth"]
    assert mill.run(*steps(0), run_id="the-run")["already_done"] is True
