"""`up`: the whole service in the foreground, on nothing but this machine and one directory.

The database first, then the broker, then everything that needs both. Secrets reach the children by environment,
never on a command line, which any user of the machine can read.
"""

import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

from scheduler_service.cli import data_dir, valkey
from scheduler_service.cli.admin_key import admin_key
from scheduler_service.cli.configuration import database_url, variable
from scheduler_service.cli.interrupts import Interrupts
from scheduler_service.cli.output import Output
from scheduler_service.cli.processes import QUEUES
from scheduler_service.cli.supervisor import LOOK_EVERY, Program, Supervisor
from scheduler_service.cli.tied import tied
from scheduler_service.errors import CannotStart
from scheduler_service.settings import Settings

BROKER = "valkey"
WORKERS = {f"worker-{name}": ("worker", "--name", name) for name in QUEUES}
PROCESSES: dict[str, tuple[str, ...]] = {"api": ("api",), "beat": ("beat",), **WORKERS}
BROKER_WITHIN = 60.0  # seconds; it reads a large file before it answers
PORT_WITHIN = 1.0  # seconds for the port of an `up` that was killed a moment ago
READY_LOOK, BROKER_LOOK = 0.2, 0.05  # seconds between looks whether it answers

BANNER = """
  The scheduler service is up.

    Console and API  {url}
    Admin key        {key}
    Data directory   {directory}

  Ctrl-C ends it; everything is kept for the next start.
"""


def run_up(settings: Settings) -> None:
    """Run until a signal asks for the end. Raises: CannotStart, StoreAway, with nothing left running."""
    data_dir.prepare(settings.data_dir)
    with data_dir.locked(settings.data_dir), Interrupts() as interrupts:
        output = Output(sys.stdout, [BROKER, *PROCESSES], colour=_wants_colour())
        supervisor = Supervisor(output, interrupts)
        try:
            key = admin_key(settings)
            _refuse_taken_port(settings.api_host, settings.api_port)
            _prepare_database(settings)
            interrupts.defer()  # a signal must not break off the start of a process, which would then be nobody's
            _start(settings, key, supervisor, interrupts)
            supervisor.watch(each_look=_announcement(settings, key, output))
        except KeyboardInterrupt:  # before anything ran
            pass
        finally:
            interrupts.defer()
            supervisor.stop()
            output.close()


def _start(settings: Settings, key: str, supervisor: Supervisor, interrupts: Interrupts) -> None:
    """Start everything, until a signal asks for the end."""
    given = {"data_dir": str(settings.data_dir.absolute()), "admin_key": key}
    if settings.broker_url is None:
        given["broker_url"] = _start_broker(settings, supervisor, interrupts)
    env = {**os.environ, "PYTHONUNBUFFERED": "1", **{variable(field): value for field, value in given.items()}}
    for name, words in PROCESSES.items():
        if interrupts.count:
            return
        command = tied([sys.executable, "-m", "scheduler_service.cli", *words], ending=signal.SIGKILL)
        supervisor.start(Program(name, command, env, hurry=signal.SIGQUIT if name in WORKERS else None))


def _prepare_database(settings: Settings) -> None:
    """Bring it to this version; an empty one gets something to look at."""
    from scheduler_service.services import samples
    from scheduler_service.storage import migrating
    from scheduler_service.storage.session import Database

    migrating.upgrade(database_url(settings))
    database = Database(settings.database)
    try:
        samples.seed(database)
    finally:
        database.close()


def _start_broker(settings: Settings, supervisor: Supervisor, interrupts: Interrupts) -> str:
    """Run the embedded broker and wait until it answers; its URL. Raises: CannotStart, when it ends or never does."""
    broker = valkey.prepare(settings.data_dir / BROKER)
    child = supervisor.start(Program(BROKER, broker.command, os.environ, serves_others=True))
    deadline = time.monotonic() + BROKER_WITHIN
    while not (broker.answers() or interrupts.count):
        if child.reap() or time.monotonic() > deadline:
            raise CannotStart(f"The embedded broker did not start; its lines above and {broker.directory} say more.")
        interrupts.pause(BROKER_LOOK)
    return broker.url


def _announcement(settings: Settings, key: str, output: Output) -> Callable[[], float]:
    """A look whether the API answers, which says so the first time; it returns the seconds until the next."""
    announced = False

    def look() -> float:
        nonlocal announced
        if not announced and _answers(settings.api_host, settings.api_port):
            announced = True
            output.show(BANNER.format(url=settings.self_url, key=key, directory=settings.data_dir.absolute()))
        return LOOK_EVERY if announced else READY_LOOK

    return look


def _answers(host: str, port: int) -> bool:
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        socket.create_connection((here, port), timeout=READY_LOOK).close()
    except OSError:
        return False
    return True


def _refuse_taken_port(host: str, port: int) -> None:
    deadline = time.monotonic() + PORT_WITHIN
    while (why := _listen_error(host, port)) is not None:
        if why.errno != errno.EADDRINUSE:
            raise CannotStart(f"The API cannot listen on {host}, port {port} ({why.strerror}): set SCHEDULER_API_HOST.")
        if time.monotonic() > deadline:
            raise CannotStart(f"Port {port} on {host} is taken: stop what listens there, or set SCHEDULER_API_PORT.")
        time.sleep(0.1)


def _listen_error(host: str, port: int) -> OSError | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as why:
        return why
    return None


def _wants_colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
