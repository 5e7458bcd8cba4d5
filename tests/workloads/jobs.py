"""Work for processes that are killed: each stands for what a person's SQL or an engine can do."""

import ctypes
import os
import time
from pathlib import Path
from typing import Any

from scheduler_service.errors import QueryFailed, WarehouseBusy
from scheduler_service.workloads.killable import Side
from scheduler_service.workloads.sql_running import Answer, Asked, confined
from scheduler_service.workloads.warehouses import AnyWarehouse


def add(side: Side, one: int, other: int) -> int:
    side.tell(step=1, of=2)
    side.tell(step=2, of=2)
    return one + other


def refuse(side: Side) -> None:
    raise WarehouseBusy(1.5)


def break_down(side: Side) -> None:
    raise ZeroDivisionError


def crash(side: Side) -> None:
    os.abort()


def be_deaf(side: Side, started: Path) -> None:
    """As a native call is that hears nothing."""
    started.write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(600)  # with the GIL held: not even its own threads run


def go_on(side: Side, started: Path) -> None:
    started.write_text(str(os.getpid()))
    time.sleep(600)


def commit_slowly(side: Side, started: Path) -> str:
    side.decided()
    started.write_text("")
    time.sleep(2)
    return "committed"


def take_memory(side: Side, size: int) -> int:
    return len(bytearray(size))


def environment(side: Side) -> dict[str, str]:
    return dict(os.environ)


def parent(side: Side, job: Any, *arguments: Any) -> None:
    """A process that waits for another."""
    from scheduler_service.workloads import killable

    killable.run(job, *arguments, stop=side.stop)


def say_no_to(side: Side, warehouse: AnyWarehouse, statements: list[str]) -> list[str | None]:
    """What the engine says to each statement, in a transaction of its own; None: nothing, it did it."""
    said: list[str | None] = []
    for statement in statements:
        try:
            with confined(warehouse, write=True, stop=side.stop) as engine:
                engine.execute("it", statement)
            said.append(None)
        except QueryFailed as why:
            said.append(why.reason)
    return said


def write_while_reading(side: Side, warehouse: AnyWarehouse) -> None:
    with confined(warehouse, write=False, stop=side.stop) as engine:
        engine.execute("what", "DELETE FROM orders")


def answer(side: Side, warehouse: AnyWarehouse, asked: list[Asked]) -> list[Answer]:
    with confined(warehouse, write=False, stop=side.stop) as engine:
        return [engine.answer(one) for one in asked]
