"""The Celery app for Celery's own commands: `celery -A scheduler_service.cli.celery_app flower` (or `inspect`, …)."""

from scheduler_service.cli.configuration import read_settings
from scheduler_service.cli.processes import create_app_with_broker
from scheduler_service.errors import ServiceError

try:
    app = create_app_with_broker(read_settings(), needed_by="Celery")
except ServiceError as why:
    raise SystemExit(f"Error: {why}") from None  # celery would print the traceback of anything else
