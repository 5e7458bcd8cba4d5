"""The service's own Celery app: its broker, queues, routes and tasks."""

import os

from celery import Celery
from celery.schedules import crontab
from kombu.entity import Queue

from scheduler_service.errors import CannotStart
from scheduler_service.services.report_runs import ReportSite
from scheduler_service.settings import Settings
from scheduler_service.storage.deliveries import SEND
from scheduler_service.tasks import collect_tasks, etl_tasks, maintenance_tasks, report_tasks
from scheduler_service.tasks.etl_tasks import EtlSite
from scheduler_service.tasks.maintenance_tasks import TRIM_HISTORY, Keep
from scheduler_service.timing.clock import SystemClock
from scheduler_service.worker.tracking import track
from scheduler_service.workloads.collect.collecting import CollectSite
from scheduler_service.workloads.connection_files import read
from scheduler_service.workloads.connections import Connections, own_api
from scheduler_service.workloads.delivery.dispatches import DeliverySite
from scheduler_service.workloads.report.places import ReportPlaces
from scheduler_service.workloads.warehouses import warehouse_at

#: A killed worker's messages come back within seconds, not after the transport's 100.
REDIS_OPTIONS = {"unacked_restore_interval": 1, "unacked_restore_throttle": 1, "visibility_timeout": 6 * 3600}


def create_app(settings: Settings) -> Celery:
    """The app, its tasks registered and its runs tracked; nothing connects yet. Raises: CannotStart."""
    if settings.broker_url is None:
        raise CannotStart("SCHEDULER_BROKER_URL is not set: it names the Redis that Beat and the workers share.")
    broker = settings.broker_url.get_secret_value()
    app = Celery("scheduler_service", set_as_current=False)
    app.conf.update(
        beat_enable_remote_control=True,  # a Beat answers `inspect ping` for as long as it ticks: a health check
        beat_schedule={
            "trim history": {"task": TRIM_HISTORY, "schedule": crontab(minute="17", hour="3")},
            "deliver reports": {"task": SEND, "schedule": crontab(minute="*/5")},
        },
        broker_url=broker,
        broker_transport_options=REDIS_OPTIONS if broker.startswith(("redis", "valkey")) else {},
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        result_backend=settings.result_backend.get_secret_value() if settings.result_backend else broker,
        result_expires=settings.result_expires,
        result_extended=True,
        task_queues=[Queue("default"), Queue("heavy")],
        task_default_queue="default",
        task_routes={"etl.*": {"queue": "heavy"}},
        task_track_started=True,
        timezone="UTC",
        worker_max_memory_per_child=settings.child_memory_mb
        * 1024,  # KB, and of the peak: what was large is given back
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,
    )
    tracking = track(app, database_url=settings.database)
    reports = _report_site(settings)
    keep = Keep(runs=settings.keep_runs, audit=settings.keep_audit, artifacts=settings.keep_artifacts)
    maintenance_tasks.register(app, database=lambda: tracking.database, keep=keep, files=reports.places.files)
    report_tasks.register(app, database=lambda: tracking.database, site=reports)
    collect_tasks.register(app, database=lambda: tracking.database, site=_collect_site(settings))
    etl_tasks.register(app, database=lambda: tracking.database, site=_etl_site(settings))
    return app


def _etl_site(settings: Settings) -> EtlSite:
    warehouse = warehouse_at(settings.warehouse_server, file=settings.warehouse_file)
    return EtlSite(warehouse, memory_bytes=settings.etl_memory_mb * 1024**2)


def _collect_site(settings: Settings) -> CollectSite:
    data = settings.data_dir.absolute()
    return CollectSite(
        warehouse=warehouse_at(settings.warehouse_server, file=settings.warehouse_file),
        staging_dir=data / "staging",
        clock=SystemClock(),
        connections=_connections(settings),
        outbound_allow=settings.outbound_allow,
        file_roots=settings.file_roots or (data / "inbox",),
    )


def _report_site(settings: Settings) -> ReportSite:
    return ReportSite(
        warehouse=warehouse_at(settings.warehouse_server, file=settings.warehouse_file),
        places=ReportPlaces(settings.data_dir.absolute(), settings.font_dirs),
        delivery=DeliverySite(_connections(settings), settings.outbound_allow, settings.public_url),
    )


def _connections(settings: Settings) -> Connections:
    return read(settings.connections_file, os.environ, own=own_api(settings.self_url, settings.admin_key))
