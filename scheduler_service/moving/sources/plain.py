"""What JSON can hold of another program's values, and what it cannot."""

from typing import Any

from scheduler_service.moving.sources.trusting import Foreign


def plain_problem(held: Any) -> str | None:
    """Why these arguments cannot be kept as they are; None: they can."""
    if held is None or isinstance(held, bool | int | float | str):
        return None
    if isinstance(held, list | tuple | dict):
        items = held.values() if isinstance(held, dict) else held
        return next((problem for problem in map(plain_problem, items) if problem), None)
    named = held.of if isinstance(held, Foreign) else type(held).__name__
    return f"among its arguments is a {named}, which JSON cannot hold"


def plain(held: Any) -> Any:
    """The nearest that JSON has: for the record, and not to be run with."""
    if isinstance(held, dict):
        return {str(key): plain(item) for key, item in held.items()}
    if isinstance(held, list | tuple):
        return [plain(item) for item in held]
    if held is None or isinstance(held, bool | int | float | str):
        return held
    return held.of if isinstance(held, Foreign) else str(held)
