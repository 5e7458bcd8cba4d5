"""Collect tasks: the documents that say what `collect.execute_task` brings in.

They decide nothing about when, so no trigger watches them.
"""

from scheduler_service.storage.definitions import StoredDefinitions, argument_of
from scheduler_service.storage.models import CollectTask

#: The Celery task that runs one; its argument is the id.
TASK = "collect.execute_task"

collect_tasks = StoredDefinitions(CollectTask, "collect task", argument_of(TASK, "task_id"))
