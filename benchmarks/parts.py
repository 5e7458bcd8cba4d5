"""What every benchmark needs: a migrated PostgreSQL, a Valkey, many schedules, and a Beat to time from outside."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from scheduler_service.storage.session import Database
from tests.support.broker import Broker, broker_server
from tests.support.postgres import Postgres, postgres_server

ROOT = Path(__file__).parent.parent


@dataclass
class Parts:
    postgres: Postgres
    broker: Broker

    @contextmanager
    def database(self) -> Iterator[Database]:
        """A new, migrated one."""
        url = self.postgres.create()
        opened = Database(url)
        yield opened
        opened.close()
        self.postgres.drop(url)

    def environment(self, database: Database) -> dict[str, str]:
        return {
            **os.environ,
            "SCHEDULER_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "SCHEDULER_BROKER_URL": self.broker.url,
        }


@contextmanager
def parts() -> Iterator[Parts]:
    with TemporaryDirectory() as folder, postgres_server() as postgres, broker_server(Path(folder)) as broker:
        yield Parts(postgres, broker)


def given_schedules(database: Database, count: int, *, due_in: str, apart: str = "0 seconds") -> None:
    """So many planned schedules, every hour: due in a while, one after the other or all at once (SQL intervals)."""
    with database.transaction() as session:
        session.execute(text("INSERT INTO interval_schedule (every, period) VALUES (1, 'hours')"))
        session.execute(
            text(
                "INSERT INTO periodic_task (name, task, args, interval_id, next_occurrence_at, next_run_at, watermark,"
                " created_at) SELECT 'bench ' || n, 'collect.execute_task', jsonb_build_array(n), i.id, t.at, t.at,"
                " t.at - interval '1 hour', t.at - interval '1 hour' FROM interval_schedule i,"
                " (SELECT n, s.start + n * CAST(:apart AS interval) AS at FROM generate_series(1, :count) n,"
                " (SELECT clock_timestamp() + CAST(:due_in AS interval) AS start) s) t"
            ),
            {"count": count, "due_in": due_in, "apart": apart},
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def run_python(code: str, env: dict[str, str]) -> str:
    """What a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


def peak_megabytes() -> float:
    """This process's peak resident memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
