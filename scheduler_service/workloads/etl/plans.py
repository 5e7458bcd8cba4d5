"""In which order the steps of a pipeline run, and why they cannot, where they cannot."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from scheduler_service.errors import SqlRefused
from scheduler_service.workloads.etl.definitions import PARAMETERS, CustomQuery, PipelineDefinition, Step
from scheduler_service.workloads.sql_guard import Dialect, Query, checked


@dataclass(frozen=True)
class StepProblem:
    """What is wrong with a step: in which field of it, and why."""

    step: int
    field: str
    reason: str


@dataclass(frozen=True)
class PlannedStep:
    """A step, its query if it has one, and the queries of its checks by their place."""

    step: Step
    query: Query | None
    checks: Mapping[int, Query]

    @property
    def reads(self) -> frozenset[str]:
        """The datasets that it is made of."""
        return self.query.reads if self.query is not None else frozenset(self.step.reads)

    @property
    def needs(self) -> frozenset[str]:
        """The datasets that must be there before it runs, or its checks do."""
        return self.reads | {name for query in self.checks.values() for name in query.reads} - {self.step.name}


@dataclass(frozen=True)
class Plan:
    """The steps that can be read, in the order in which they run; and all that is wrong."""

    steps: tuple[PlannedStep, ...]
    problems: tuple[StepProblem, ...]


def plan(definition: PipelineDefinition, dialect: Dialect, *, known: Collection[str]) -> Plan:
    """Find the order. `known` are the datasets there are besides the pipeline's own."""
    read, problems = _read(definition, dialect)
    places = {step.name: place for place, step in enumerate(definition.steps)}
    problems += _unknown(read, {*known, *places}, places)
    graph = {one.step.name: sorted(one.needs & places.keys(), key=places.__getitem__) for one in read}
    try:
        order = _order(graph, places)
    except CycleError as why:
        problems.append(_cycle(why.args[1][:0:-1], places))
        order = [*graph]
    by_name = {one.step.name: one for one in read}
    return Plan(tuple(by_name[name] for name in order if name in by_name), tuple(problems))


def _read(definition: PipelineDefinition, dialect: Dialect) -> tuple[list[PlannedStep], list[StepProblem]]:
    read, problems = [], []
    for place, step in enumerate(definition.steps):
        query, checks = None, {}
        for field, sql in _texts(step):
            try:
                found = checked(sql, dialect, parameters=PARAMETERS)
            except SqlRefused as why:
                problems.append(StepProblem(place, field, why.reason))
                continue
            if field == "sql":
                query = found
            else:
                checks[int(field.split(".")[1])] = found
        if query is not None and step.kind == "view" and query.parameters:
            reason = f"a view has no parameters, and this asks for {', '.join(sorted(query.parameters))}"
            problems.append(StepProblem(place, "sql", reason))
        if query is not None or step.transform is not None:
            read.append(PlannedStep(step, query, checks))
    return read, problems


def _texts(step: Step) -> Iterator[tuple[str, str]]:
    if step.sql is not None:
        yield "sql", step.sql
    for place, check in enumerate(step.checks):
        if isinstance(check, CustomQuery):
            yield f"checks.{place}.sql", check.sql


def _unknown(read: Iterable[PlannedStep], known: set[str], places: Mapping[str, int]) -> list[StepProblem]:
    return [
        StepProblem(places[one.step.name], field, f"reads {name!r}, which is neither a dataset nor a step")
        for one in read
        for field, reads in _reading(one)
        for name in sorted(reads - known)
    ]


def _reading(one: PlannedStep) -> Iterator[tuple[str, frozenset[str]]]:
    yield "sql" if one.query is not None else "reads", one.reads
    for number, query in one.checks.items():
        yield f"checks.{number}.sql", query.reads


def _cycle(names: list[str], places: Mapping[str, int]) -> StepProblem:
    """Of names each of which reads the next, and the last the first: told of the one that is written first."""
    first = min(names, key=places.__getitem__)
    at = names.index(first)
    around = [*names[at:], *names[:at], first]
    reason = "reads itself" if len(names) == 1 else f"reads what is made of it: {' → '.join(around)}"
    return StepProblem(places[first], "", reason)


def _order(graph: Mapping[str, list[str]], places: Mapping[str, int]) -> list[str]:
    """Of what can run next, always what is written first. Raises: CycleError."""
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    order: list[str] = []
    ready: set[str] = set()
    while sorter.is_active():
        ready |= {*sorter.get_ready()}
        order.append(min(ready, key=places.__getitem__))
        ready.remove(order[-1])
        sorter.done(order[-1])
    return order
