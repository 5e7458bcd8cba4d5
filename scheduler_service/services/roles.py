"""Who somebody is to the service, and what their role allows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from scheduler_service.errors import RoleTooLow

Role = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")  # each may do what those before it may


@dataclass(frozen=True)
class Identity:
    """Somebody known: the name in the audit trail, the role, and until when it holds."""

    actor: str
    role: Role
    expires_at: datetime | None = None
    key_id: int | None = None  # of the API key that was shown, now or at sign-in

    def acting_as(self, role: Role) -> str:
        """Their name, if they have this role or a higher one. Raises: RoleTooLow."""
        if ROLES.index(self.role) < ROLES.index(role):
            raise RoleTooLow(needed=role, role=self.role)
        return self.actor


ADMIN = Identity("admin", "admin")
