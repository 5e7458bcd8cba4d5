"""What a page of ours posts: a form's fields as the reader filled them in.

Whether they may is decided before: the token of the form and its origin by `api.auth`, the size by `api.bodies`.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from scheduler_service.api.auth import CSRF_FIELD
from scheduler_service.api.forms import Fields, fields_of


@dataclass(frozen=True)
class FilledIn:
    """The fields in their order; a name may come more than once."""

    fields: Fields

    def text(self, name: str, default: str = "") -> str:
        """The last value of that name, without spaces around it, and with the line ends of this side."""
        found = self.all(name)
        return found[-1].replace("\r\n", "\n").strip() if found else default

    def all(self, name: str) -> list[str]:
        """Every value of that name."""
        return [value for field, value in self.fields if field == name]

    def has(self, name: str) -> bool:
        """Whether it was sent at all, as a box is that is ticked."""
        return any(field == name for field, _ in self.fields)

    def typed(self) -> dict[str, str]:
        """Everything that was typed, to fill the form in again."""
        return {field: value for field, value in self.fields if field != CSRF_FIELD}


async def _filled_in(request: Request) -> FilledIn:
    return FilledIn(await fields_of(request))


Form = Annotated[FilledIn, Depends(_filled_in)]
