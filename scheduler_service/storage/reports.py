"""Reports: the documents that say what `report.generate_scheduled` makes.

They decide nothing about when, so no trigger watches them.
"""

from scheduler_service.storage.definitions import StoredDefinitions, argument_of
from scheduler_service.storage.models import Report

#: The Celery task that makes one; its argument is the report's id.
TASK = "report.generate_scheduled"

reports = StoredDefinitions(Report, "report", argument_of(TASK, "schedule_id"))
