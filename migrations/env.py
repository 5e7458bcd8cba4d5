"""How alembic reaches the database: over the connection it was handed, or over the one the settings name."""

from alembic import context
from sqlalchemy import Connection

from scheduler_service.settings import Settings
from scheduler_service.storage import models
from scheduler_service.storage.session import make_engine, normalised


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=models.PeriodicTask.metadata, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with make_engine(normalised(Settings().database)).connect() as own:
        migrate(own)
        own.commit()
