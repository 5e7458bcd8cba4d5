"""What the database tells of itself: what it is, how large, how far back it remembers."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from scheduler_service.storage.batches import is_postgresql
from scheduler_service.storage.models import TaskRun


@dataclass(frozen=True)
class StoreFacts:
    """`size` is in bytes; `kept_since` is when the oldest run that is kept was decided."""

    name: str
    version: str
    size: int
    kept_since: datetime | None


def look(session: Session) -> StoreFacts:
    """Each is looked up, none is counted."""
    kept_since = session.scalar(select(func.min(TaskRun.decided_at)))
    if is_postgresql(session):
        statement = text("SELECT current_setting('server_version'), pg_database_size(current_database())")
        version, size = session.execute(statement).one()
        return StoreFacts("PostgreSQL", version.partition(" ")[0], size, kept_since)
    sizes = text("SELECT sqlite_version(), page_count * page_size FROM pragma_page_count(), pragma_page_size()")
    version, size = session.execute(sizes).one()
    return StoreFacts("SQLite", version, size, kept_since)
