"""Names that are unique, said by the constraint and not by a look beforehand: two writers at once cannot both win."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from scheduler_service.errors import ServiceError


@contextmanager
def unique_name(table: str, taken: ServiceError) -> Iterator[None]:
    """Raise `taken` where a statement inside would give a row of the table a name that another has."""
    try:
        yield
    except IntegrityError as why:
        said = str(why.orig)
        if f"uq_{table}_name" in said or f"{table}.name" in said:
            raise taken from why
        raise
