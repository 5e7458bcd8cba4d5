"""What routes of every kind of definition ask for and answer with."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Path
from pydantic import BaseModel, Field

from scheduler_service.api.schemas import Query, Word
from scheduler_service.services.fields import Id
from scheduler_service.storage.models import Definition

DefinitionId = Annotated[Id, Path()]


class DefinitionQuery(Query):
    """Which of them."""

    q: Word | None = Field(default=None, description="Looked for in name and description")


class DefinitionOut(BaseModel):
    """One of them. Its definition is what was written: what it leaves out has its default."""

    id: int
    name: str
    description: str
    definition: dict[str, Any]
    revision: int
    created_at: datetime
    date_changed: datetime

    @classmethod
    def of(cls, row: Definition) -> Self:
        """The row as it looks over the wire."""
        return cls(**{name: getattr(row, name) for name in DefinitionOut.model_fields})
