"""Who uses definitions, and what became of it: the schedules that run one, the runs they made, and who else names it.

A definition is the first argument of its Celery task, by place or by name; a schedule may hold the id as text, too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Text, cast, func, or_, select
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import among, is_postgresql
from scheduler_service.storage.models import Definition, PeriodicTask, TaskRun
from scheduler_service.storage.schedules import with_timings

D = TypeVar("D", bound=Definition)


@dataclass(frozen=True)
class Called:
    """How a definition is run: its Celery task, and the name of the argument that is the id."""

    task: str
    argument: str


@dataclass(frozen=True)
class Use:
    """A schedule that runs a definition, and the last run that was decided of it, if there is one."""

    definition_id: int
    schedule: PeriodicTask
    last_run: TaskRun | None


def uses(session: Session, called: Called, definition_ids: Collection[int], *, limit: int) -> list[Use]:
    """The schedules that run any of these definitions, by name, at most `limit`.

    All schedules of the task are looked at, where they lie: an index of the argument would cost Beat something with
    each run, and to go along the index of names, as a plain order by them asks for, takes twice as long.
    """
    theirs = _argument(session, PeriodicTask, called)
    newest = _newest_run().scalar_subquery()
    sought = (
        select(PeriodicTask.id)
        .where(PeriodicTask.task == called.task, theirs.in_([str(one) for one in definition_ids]))
        .order_by(PeriodicTask.name + "")
        .limit(limit)
        .subquery()
    )
    found = session.execute(
        with_timings()
        .add_columns(theirs, newest)
        .join(sought, sought.c.id == PeriodicTask.id)
        .order_by(PeriodicTask.name)
    ).all()
    last = [run_id for _, _, run_id in found if run_id is not None]
    runs = {run.id: run for run in session.scalars(select(TaskRun).where(among(session, TaskRun.id, last)))}
    return [Use(int(argument), schedule, runs.get(run_id)) for schedule, argument, run_id in found]


def runs_of(
    session: Session, called: Called, definition_id: int, schedule_ids: Collection[int], *, limit: int
) -> list[TaskRun]:
    """The last runs of a definition that these schedules made, newest first."""
    statements = [_last_runs(session, called, definition_id, one, limit) for one in schedule_ids]
    found = [run for statement in statements for run in session.scalars(statement)]
    return sorted(found, key=lambda run: (run.decided_at, run.id), reverse=True)[:limit]


def naming(session: Session, model: type[D], words: Collection[str], *, limit: int) -> Sequence[D]:
    """Definitions in whose document one of these words occurs, by name: nobody else can mean what is called so."""
    if not words:
        return []
    text = cast(model.definition, Text)
    occurs = or_(*(text.contains(word, autoescape=True) for word in words))
    return session.scalars(select(model).where(occurs).order_by(model.name).limit(limit)).all()


def _newest_run() -> Select[Any]:
    newest = select(TaskRun.id).where(TaskRun.periodic_task_id == PeriodicTask.id).correlate(PeriodicTask)
    return newest.order_by(TaskRun.decided_at.desc(), TaskRun.id.desc()).limit(1)


def _last_runs(session: Session, called: Called, definition_id: int, schedule_id: int, limit: int) -> Select[Any]:
    """By the index of a schedule's runs."""
    its_own = (TaskRun.task == called.task, _argument(session, TaskRun, called) == str(definition_id))
    statement = select(TaskRun).where(TaskRun.periodic_task_id == schedule_id, *its_own)
    return statement.order_by(TaskRun.decided_at.desc(), TaskRun.id.desc()).limit(limit)


def _argument(session: Session, model: type[PeriodicTask | TaskRun], called: Called) -> ColumnElement[str]:
    """The id that is the argument, as text; NULL where there is none."""
    return func.coalesce(*arguments(session, model, called.argument))


def arguments(
    session: Session, model: type[PeriodicTask | TaskRun], argument: str
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The first argument by place, and the one of this name, each as text or NULL."""
    if is_postgresql(session):
        return model.args.op("->>")(0), model.kwargs.op("->>")(argument)
    by_place, by_name = func.json_extract(model.args, "$[0]"), func.json_extract(model.kwargs, f"$.{argument}")
    return cast(by_place, Text), cast(by_name, Text)
