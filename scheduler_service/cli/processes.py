"""The three kinds of process: the API, a Beat and a worker. Each is put together here from the rooms below.

Every function imports what it needs when it is called: the API never loads Celery, a Beat never loads FastAPI.
"""

import logging
import os
import signal
import socket
import sys
from typing import Any

from scheduler_service.cli.admin_key import admin_key, with_kept_key
from scheduler_service.cli.configuration import broker_url, database_url
from scheduler_service.cli.tied import tie
from scheduler_service.errors import CannotStart
from scheduler_service.settings import Settings

logger = logging.getLogger(__name__)

LOG_FORMAT = "[%(asctime)s: %(levelname)s] %(message)s"
GRACEFUL_SECONDS = 3  # an open request may finish; a stream that never ends must not hold up the end
QUEUES = {"default": ("default",), "heavy": ("heavy",), "backup": ("default", "heavy")}
#: Celery without its banners, which fill the screen of `up`, and without its logging of a traceback word by word.
PLAIN = {"quiet": True, "no_color": True, "redirect_stdouts": False}
POOLS = ("prefork", "threads", "solo")


def run_api(settings: Settings) -> None:
    """Serve the API and the console. Needs no broker: "run now" is a row. Raises: CannotStart, StoreAway."""
    import uvicorn
    from pydantic import SecretStr

    from scheduler_service.cli.access import OVERHEARD, access, can_be_overheard, tls_files
    from scheduler_service.console.site import create_site
    from scheduler_service.storage import migrating
    from scheduler_service.storage.session import Database
    from scheduler_service.workloads.connection_files import read
    from scheduler_service.workloads.connections import own_api
    from scheduler_service.workloads.report.places import ReportPlaces
    from scheduler_service.workloads.warehouses import warehouse_at

    migrating.check(database_url(settings))
    key, rules, (certificate, certificate_key) = admin_key(settings), access(settings), tls_files(settings)
    logging.basicConfig(level=settings.log_level, format=LOG_FORMAT, stream=sys.stdout)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells each time that it looked
    if can_be_overheard(settings):
        logger.warning(OVERHEARD, settings.api_host)
    warehouse = warehouse_at(settings.warehouse_server, file=settings.warehouse_file)
    connections = read(settings.connections_file, os.environ, own=own_api(settings.self_url, SecretStr(key)))
    database = Database(settings.database)
    uvicorn.run(
        create_site(
            database,
            admin_key=key,
            warehouse=warehouse,
            connections=connections,
            report_places=ReportPlaces(settings.data_dir.absolute(), settings.font_dirs),
            access=rules,
            require_if_match=settings.require_if_match,
            broker_url=broker_url(settings),
        ),
        host=settings.api_host,
        port=settings.api_port,
        ssl_certfile=certificate,
        ssl_keyfile=certificate_key,
        proxy_headers=False,  # the application believes those of trusted proxies
        log_config=None,
        access_log=False,  # a key that was put into a query string must not end up in a log
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )


def run_beat(settings: Settings) -> None:
    """Dispatch what is due. Keeps no file: all it knows is in the database. Raises: CannotStart, StoreAway."""
    app = create_checked_app(settings, needed_by="a Beat")
    scheduler = "scheduler_service.beat.scheduler:DatabaseScheduler"
    app.Beat(scheduler=scheduler, loglevel=settings.log_level, **PLAIN).run()


def run_worker(settings: Settings, *, name: str, queues: tuple[str, ...], concurrency: int | None, pool: str) -> int:
    """Work until told to end; the exit code. No queues: those of its name. Raises: CannotStart, StoreAway."""
    from celery import signals

    app = create_checked_app(settings, needed_by="a worker")
    parent = os.getpid()
    signals.worker_process_init.connect(lambda **_: tie(parent, signal.SIGKILL), weak=False)
    worker = app.Worker(
        hostname=f"{name}@{socket.gethostname()}",
        queues=list(queues or QUEUES[name]),
        concurrency=concurrency or settings.concurrency,
        pool=pool,
        loglevel=settings.log_level,
        **PLAIN,
    )
    worker.start()
    return int(worker.exitcode or 0)


def create_checked_app(settings: Settings, *, needed_by: str) -> Any:
    """The Celery app, for a process that works on the database: only when that is at this version."""
    from scheduler_service.storage import migrating

    app = create_app_with_broker(settings, needed_by=needed_by)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells at every look that it looks
    migrating.check(database_url(settings))
    return app


def create_app_with_broker(settings: Settings, *, needed_by: str) -> Any:
    """The Celery app. Raises: CannotStart, when the settings name no broker."""
    if settings.broker_url is None:
        raise CannotStart(
            f"SCHEDULER_BROKER_URL is not set: {needed_by} needs a broker, "
            "such as redis://:password@localhost:6379/0 (only `up` brings its own)."
        )
    from scheduler_service.worker.app import create_app

    app = create_app(with_kept_key(settings))
    _refuse_unknown_kinds(app)
    return app


def _refuse_unknown_kinds(app: Any) -> None:
    """Say now what Celery would say with a traceback, when it first needs the one or the other."""
    from celery.exceptions import ImproperlyConfigured

    try:
        app.connection_for_write().get_transport_cls()
    except (KeyError, ValueError, ImportError):
        raise CannotStart("SCHEDULER_BROKER_URL: this kind of broker is not known, or not installed.") from None
    try:
        app.backend  # noqa: B018 - asking makes it
    except (ImproperlyConfigured, ValueError, ImportError):
        raise CannotStart("SCHEDULER_RESULT_BACKEND: this kind of backend is not known, or not installed.") from None
