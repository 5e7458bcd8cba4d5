"""Routes of ETL pipelines."""

from typing import Annotated, Self

from fastapi import APIRouter, Body, Depends
from fastapi import Query as FromQuery
from pydantic import BaseModel, BeforeValidator

from scheduler_service.api.auth import Admin
from scheduler_service.api.definitions import DefinitionId, DefinitionOut, DefinitionQuery
from scheduler_service.api.dependencies import Answering, IfMatch, Reading, WarehouseDep, Writing
from scheduler_service.api.problems import FieldError
from scheduler_service.api.schemas import MergePatch, PageOut
from scheduler_service.services import etl_pipelines as services
from scheduler_service.services.etl_pipelines import EtlPipelineDocument, Lineage, Surroundings, etl_pipelines
from scheduler_service.services.fields import Document, Id, checked_json
from scheduler_service.workloads.etl.definitions import PipelineDefinition
from scheduler_service.workloads.etl.names import names

router = APIRouter(prefix="/etl-pipelines", tags=["etl pipelines"])


def _tables(warehouse: WarehouseDep) -> set[str]:
    """Asked before the transaction begins: the warehouse may let us wait."""
    return names(warehouse)


TablesDep = Annotated[set[str], Depends(_tables)]


class EtlPipelineOut(DefinitionOut):
    """A pipeline."""


class CheckRequest(Document):
    """A definition that need not be saved; with the id of the pipeline that it is to replace."""

    definition: Annotated[PipelineDefinition, BeforeValidator(checked_json)]
    id: Id | None = None


class StepOut(BaseModel):
    """A step in its place, and what it reads and asks for."""

    name: str
    kind: str
    reads: list[str]
    parameters: list[str]


class CheckOut(BaseModel):
    """Whether it can be saved; the steps in the order in which they run, and what is wrong, field by field."""

    valid: bool
    steps: list[StepOut]
    errors: list[FieldError]

    @classmethod
    def of(cls, definition: PipelineDefinition, around: Surroundings) -> Self:
        """What is found among these datasets."""
        errors = [FieldError(**vars(one)) for one in around.problems(definition)]
        steps = [
            StepOut(
                name=one.step.name,
                kind=one.step.kind,
                reads=sorted(one.reads),
                parameters=sorted(one.query.parameters) if one.query else [],
            )
            for one in around.plan(definition).steps
        ]
        return cls(valid=not errors, steps=steps, errors=errors)


class MakerOut(BaseModel):
    """What makes a dataset."""

    kind: str
    id: int
    name: str


class NodeOut(BaseModel):
    """A dataset; `made_by` is null where nobody knows."""

    dataset: str
    made_by: MakerOut | None


class EdgeOut(BaseModel):
    """The target is made of the source."""

    source: str
    target: str


class LineageOut(BaseModel):
    """What is made of what."""

    nodes: list[NodeOut]
    edges: list[EdgeOut]

    @classmethod
    def of(cls, found: Lineage) -> Self:
        """The lineage as it looks over the wire."""
        nodes = [
            NodeOut(dataset=name, made_by=MakerOut(**vars(maker)) if maker else None)
            for name, maker in sorted(found.makers.items())
        ]
        return cls(nodes=nodes, edges=[EdgeOut(**vars(edge)) for edge in found.edges])


@router.get("")
def list_etl_pipelines(query: Annotated[DefinitionQuery, FromQuery()], session: Reading) -> PageOut[EtlPipelineOut]:
    """List pipelines by name."""
    page = etl_pipelines.search(session, q=query.q, limit=query.limit, cursor=query.cursor)
    return PageOut.of(page, EtlPipelineOut.of)


@router.post("", status_code=201)
def create_etl_pipeline(
    body: EtlPipelineDocument,
    tables: TablesDep,
    warehouse: WarehouseDep,
    session: Writing,
    caller: Admin,
    answer: Answering,
) -> EtlPipelineOut:
    """Make a pipeline. A schedule of the task `etl.execute_pipeline` with its id as argument runs it."""
    check = Surroundings.of(session, warehouse.dialect, tables).check()
    made = EtlPipelineOut.of(etl_pipelines.create(session, body, actor=caller, check=check))
    return answer.tagged(answer.located(made, under="/api/v1/etl-pipelines"))


@router.post("/check")
def check_etl_pipeline(
    body: CheckRequest, tables: TablesDep, warehouse: WarehouseDep, session: Reading, _caller: Admin
) -> CheckOut:
    """Say in which order the steps of an unsaved pipeline would run, what they read, and what is wrong with them."""
    return CheckOut.of(body.definition, Surroundings.of(session, warehouse.dialect, tables, but=body.id))


@router.get("/{pipeline_id}")
def get_etl_pipeline(pipeline_id: DefinitionId, session: Reading, answer: Answering) -> EtlPipelineOut:
    """Read a pipeline. Its ETag is its revision."""
    return answer.tagged(EtlPipelineOut.of(etl_pipelines.get(session, pipeline_id)))


@router.get("/{pipeline_id}/lineage")
def get_lineage(pipeline_id: DefinitionId, warehouse: WarehouseDep, session: Reading) -> LineageOut:
    """Read which datasets a pipeline makes of which, and what makes those that it reads."""
    around = Surroundings.of(session, warehouse.dialect, (), but=pipeline_id)
    return LineageOut.of(services.lineage(etl_pipelines.get(session, pipeline_id), around))


@router.put("/{pipeline_id}")
def replace_etl_pipeline(
    pipeline_id: DefinitionId,
    body: EtlPipelineDocument,
    tables: TablesDep,
    warehouse: WarehouseDep,
    session: Writing,
    caller: Admin,
    expected: IfMatch,
    answer: Answering,
) -> EtlPipelineOut:
    """Replace a pipeline: what is left out has its default. What it has made stays until its next run."""
    check = Surroundings.of(session, warehouse.dialect, tables, but=pipeline_id).check()
    pipeline = etl_pipelines.replace(session, pipeline_id, body, expected=expected, actor=caller, check=check)
    return answer.tagged(EtlPipelineOut.of(pipeline))


@router.patch("/{pipeline_id}")
def patch_etl_pipeline(
    pipeline_id: DefinitionId,
    body: Annotated[MergePatch, Body(examples=[{"definition": {"time_limit_seconds": 600}}])],
    tables: TablesDep,
    warehouse: WarehouseDep,
    session: Writing,
    caller: Admin,
    expected: IfMatch,
    answer: Answering,
) -> EtlPipelineOut:
    """Change some fields, by JSON merge patch (RFC 7396); the steps are one field."""
    check = Surroundings.of(session, warehouse.dialect, tables, but=pipeline_id).check()
    pipeline = etl_pipelines.patch(session, pipeline_id, body, expected=expected, actor=caller, check=check)
    return answer.tagged(EtlPipelineOut.of(pipeline))


@router.delete("/{pipeline_id}", status_code=204)
def delete_etl_pipeline(pipeline_id: DefinitionId, session: Writing, caller: Admin, expected: IfMatch) -> None:
    """Delete a pipeline that no schedule runs. The datasets that it made stay."""
    etl_pipelines.delete(session, pipeline_id, expected=expected, actor=caller)
