"""Schedules that run after others, named by those whom they wait for."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from scheduler_service.errors import FieldProblem, Invalid, InvalidTiming
from scheduler_service.storage import chains, schedule_batches
from scheduler_service.storage.columns import SqlNow
from scheduler_service.storage.models import PeriodicTask
from scheduler_service.storage.session import Session
from scheduler_service.storage.timings import terms_of


def put(session: Session, task: PeriodicTask, names: Sequence[str]) -> None:
    """Make the schedule wait for exactly these. Raises: Invalid, naming `after`."""
    if names == [upstream.name for upstream in task.upstreams]:
        return
    if names:
        chains.take_turns(session)
        refuse_circles(chains.edges(session) | {task.name: set(names)})
    with session.no_autoflush:
        task.upstreams = named(session, names)
        _refuse_unlike(task)
        if task.id is not None:  # what is not in the row itself, the triggers do not see
            task.revision, task.date_changed = task.revision + 1, SqlNow()


def named(session: Session, names: Sequence[str]) -> list[PeriodicTask]:
    """The schedules with these names, by name. Raises: Invalid, naming those that are not there."""
    found = {task.name: task for task in schedule_batches.named(session, names)}
    missing = [
        FieldProblem(f"after.{place}", f"no schedule is named {name!r}")
        for place, name in enumerate(names)
        if name not in found
    ]
    if missing:
        raise Invalid(missing)
    return [found[name] for name in sorted(found)]


def refuse_circles(edges: Mapping[str, set[str]]) -> None:
    """Raises: Invalid, naming the way round."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as why:
        way = " → ".join(reversed(why.args[1]))
        raise Invalid.field("after", f"would go in a circle: {way}") from None


def _refuse_unlike(task: PeriodicTask) -> None:
    """Those that it waits for must come at the same instants, or they never meet."""
    heads = {head.id: head for upstream in task.upstreams for head in _heads(upstream)}
    if len({_when(head) for head in heads.values()}) > 1:
        names = ", ".join(sorted(head.name for head in heads.values()))
        raise Invalid.field("after", f"these come at different instants, so that they never meet: {names}")


def _heads(task: PeriodicTask) -> list[PeriodicTask]:
    """The schedules with a timing at the beginning of the chain."""
    return [head for upstream in task.upstreams for head in _heads(upstream)] if task.upstreams else [task]


def _when(task: PeriodicTask) -> Any:
    try:
        terms = terms_of(task)
    except InvalidTiming:
        return None
    return terms.timing, terms.days
