"""What a person may do with pipelines, and what can be said of one before it runs."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

from scheduler_service.errors import FieldProblem, Invalid
from scheduler_service.services import documents
from scheduler_service.services.definitions import DefinitionDocument, Definitions
from scheduler_service.services.fields import Line, checked_json
from scheduler_service.storage import etl_pipelines as stored
from scheduler_service.storage.collect_tasks import collect_tasks
from scheduler_service.storage.models import EtlPipeline
from scheduler_service.storage.session import Session
from scheduler_service.workloads.etl.definitions import PipelineDefinition
from scheduler_service.workloads.etl.plans import Plan, plan
from scheduler_service.workloads.sql_guard import Dialect


class EtlPipelineDocument(DefinitionDocument):
    """Steps that turn datasets into others."""

    name: Line = Field(examples=["orders by day"])
    definition: Annotated[PipelineDefinition, BeforeValidator(checked_json)]


etl_pipelines: Definitions[EtlPipeline, EtlPipelineDocument] = Definitions(stored.etl_pipelines, EtlPipelineDocument)


@dataclass(frozen=True)
class Maker:
    """What makes a dataset."""

    kind: str
    id: int
    name: str

    def __str__(self) -> str:
        return f"the {self.kind.replace('_', ' ')} {self.name!r}"


@dataclass(frozen=True)
class Surroundings:
    """What a pipeline is planned among: the engine's words, and the datasets, with what makes each, if it is known."""

    dialect: Dialect
    makers: dict[str, Maker | None]

    @classmethod
    def of(
        cls, session: Session, dialect: Dialect, tables: Collection[str], *, but: int | None = None
    ) -> "Surroundings":
        """The tables of the warehouse, and what collect tasks and pipelines will make; `but`: a pipeline's own."""
        makers: dict[str, Maker | None] = dict.fromkeys(name for name in tables if not name.startswith("_"))
        for task in collect_tasks.every(session):
            makers[str(task.definition.get("dataset"))] = Maker("collect_task", task.id, task.name)
        for pipeline in stored.etl_pipelines.every(session):
            made = Maker("pipeline", pipeline.id, pipeline.name) if pipeline.id != but else None
            makers |= {str(step.get("name")): made for step in pipeline.definition.get("steps", ())}
        return cls(dialect, makers)

    def plan(self, definition: PipelineDefinition) -> Plan:
        """The order of the steps, and all that is wrong."""
        return plan(definition, self.dialect, known=self.makers)

    def problems(self, definition: PipelineDefinition) -> list[FieldProblem]:
        """What is wrong with the steps, as fields of the definition."""
        found = [
            FieldProblem(f"steps.{problem.step}" + (f".{problem.field}" if problem.field else ""), problem.reason)
            for problem in self.plan(definition).problems
        ]
        for place, step in enumerate(definition.steps):
            if maker := self.makers.get(step.name):
                found.append(FieldProblem(f"steps.{place}.name", f"{step.name!r} is what {maker} makes"))
        return found

    def check(self) -> Callable[[EtlPipelineDocument], None]:
        """For a document that is to be saved. It raises Invalid, naming every bad step."""

        def check(document: EtlPipelineDocument) -> None:
            if found := self.problems(document.definition):
                raise Invalid([FieldProblem(f"definition.{one.field}", one.reason) for one in found])

        return check


@dataclass(frozen=True)
class Edge:
    """A step reads one dataset to make another."""

    source: str
    target: str


@dataclass(frozen=True)
class Lineage:
    """What is made of what. Makers are of this pipeline's inputs; None: nobody knows."""

    makers: dict[str, Maker | None]
    edges: list[Edge]


def lineage(pipeline: EtlPipeline, around: Surroundings) -> Lineage:
    """What the pipeline reads and makes, and how. Raises: Invalid, for a definition that was written past us."""
    planned = around.plan(documents.read(PipelineDefinition, pipeline.definition)).steps
    own = Maker("pipeline", pipeline.id, pipeline.name)
    made = {one.step.name: own for one in planned}
    edges = [Edge(source, one.step.name) for one in planned for source in sorted(one.reads)]
    read = {edge.source: around.makers.get(edge.source) for edge in edges}
    return Lineage({**read, **made}, edges)
