"""What a person may do with collect tasks."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from scheduler_service.services.definitions import DefinitionDocument, Definitions
from scheduler_service.services.fields import Line, checked_json
from scheduler_service.storage import collect_tasks as stored
from scheduler_service.storage.models import CollectTask
from scheduler_service.workloads.collect.definitions import CollectDefinition


class CollectTaskDocument(DefinitionDocument):
    """From where, into which dataset, and how."""

    name: Line = Field(examples=["orders of the shop"])
    definition: Annotated[CollectDefinition, BeforeValidator(checked_json)]


collect_tasks: Definitions[CollectTask, CollectTaskDocument] = Definitions(stored.collect_tasks, CollectTaskDocument)
