"""ETL pipelines: the documents that say what `etl.execute_pipeline` makes.

They decide nothing about when, so no trigger watches them.
"""

from scheduler_service.storage.definitions import StoredDefinitions, argument_of
from scheduler_service.storage.models import EtlPipeline

#: The Celery task that runs one; its argument is the id.
TASK = "etl.execute_pipeline"

etl_pipelines = StoredDefinitions(EtlPipeline, "pipeline", argument_of(TASK, "pipeline_id"))
