"""What a person may do with definitions of any kind, in the caller's transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from scheduler_service.errors import DefinitionInUse
from scheduler_service.services import documents, paging
from scheduler_service.services.fields import Document, Line, Prose
from scheduler_service.services.paging import Page
from scheduler_service.services.revisions import Expected, require_revision
from scheduler_service.storage import audit
from scheduler_service.storage.definitions import D, StoredDefinitions
from scheduler_service.storage.session import Session


class DefinitionDocument(Document):
    """A name, and what it stands for. Each kind says what its `definition` is."""

    name: Line
    description: Prose = ""
    definition: Any

    def columns(self) -> dict[str, Any]:
        """What the person wrote, without the defaults that they left out: a later version may have better ones."""
        written = self.definition
        if isinstance(written, BaseModel):
            written = written.model_dump(mode="json", exclude_unset=True)
        return {"name": self.name, "description": self.description, "definition": written}


W = TypeVar("W", bound=DefinitionDocument)


def accept(_document: DefinitionDocument) -> None:
    """Nothing to look at beyond the document itself."""


@dataclass(frozen=True)
class Definitions(Generic[D, W]):
    """One kind: its rows, and how one is written.

    A `check` sees a document before it is saved, for what the document does not tell by itself; it raises Invalid.
    """

    stored: StoredDefinitions[D]
    document: type[W]

    def get(self, session: Session, definition_id: int) -> D:
        """Raises: DefinitionNotFound."""
        return self.stored.get(session, definition_id)

    def search(self, session: Session, *, q: str | None, limit: int, cursor: str | None) -> Page[D]:
        """A page by name. Raises: Invalid, for a cursor of another list."""
        listing = self.stored.model.__tablename__
        after = paging.decode(listing, cursor, (str, int)) if cursor is not None else None
        rows = self.stored.search(session, q=q, limit=limit + 1, after=(after[0], after[1]) if after else None)
        return paging.page_of(rows, limit=limit, listing=listing, place=lambda row: (row.name, row.id))

    def create(self, session: Session, document: W, *, actor: str, check: Callable[[W], None] = accept) -> D:
        """Make one. Raises: DefinitionNameTaken, Invalid."""
        check(document)
        row = self.stored.model(**document.columns())
        self.stored.add(session, row)
        self._record(session, row, action="create", actor=actor, before={}, after=as_document(row))
        return row

    def replace(
        self,
        session: Session,
        definition_id: int,
        document: W,
        *,
        expected: Expected,
        actor: str,
        check: Callable[[W], None] = accept,
    ) -> D:
        """Make it what the document says; one that says what is there changes nothing.

        Raises: DefinitionNotFound, RevisionMismatch, DefinitionNameTaken, Invalid.
        """
        row, before = self._locked(session, definition_id, expected)
        check(document)
        return self._change(session, row, document, before, action="replace", actor=actor)

    def patch(
        self,
        session: Session,
        definition_id: int,
        patch: dict[str, Any],
        *,
        expected: Expected,
        actor: str,
        check: Callable[[W], None] = accept,
    ) -> D:
        """Apply a merge patch (RFC 7396); an object of another `type` replaces the one that is there.

        Raises: DefinitionNotFound, RevisionMismatch, DefinitionNameTaken, Invalid.
        """
        row, before = self._locked(session, definition_id, expected)
        document = documents.read(self.document, documents.merge_patch(before, patch, typed=True))
        check(document)
        return self._change(session, row, document, before, action="patch", actor=actor)

    def delete(self, session: Session, definition_id: int, *, expected: Expected, actor: str) -> None:
        """Delete one that no schedule uses. Raises: DefinitionNotFound, RevisionMismatch, DefinitionInUse."""
        row, before = self._locked(session, definition_id, expected, to_delete=True)
        if users := self.stored.users(session, definition_id):
            raise DefinitionInUse(self.stored.noun, definition_id, users)
        self.stored.remove(session, row)
        self._record(session, row, action="delete", actor=actor, before=before, after={})

    def _locked(
        self, session: Session, definition_id: int, expected: Expected, *, to_delete: bool = False
    ) -> tuple[D, dict[str, Any]]:
        """The row, which the caller has seen, and its document."""
        row = self.stored.get_locked(session, definition_id, to_delete=to_delete)
        before = as_document(row)
        require_revision(row, self.stored.noun, expected, document=before)
        return row, before

    def _change(self, session: Session, row: D, document: W, before: dict[str, Any], *, action: str, actor: str) -> D:
        if self.stored.change(session, row, document.columns()):
            self._record(session, row, action=action, actor=actor, before=before, after=as_document(row))
        return row

    def _record(
        self, session: Session, row: D, *, action: str, actor: str, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        audit.record(
            session,
            actor=actor,
            action=action,
            subject_type=self.stored.noun.replace(" ", "_"),
            subject_id=row.id,
            subject_name=row.name,
            changes=documents.differences(before, after),
        )


def as_document(row: D) -> dict[str, Any]:
    """What a person wrote, or would write to have it so."""
    return {"name": row.name, "description": row.description, "definition": row.definition}
