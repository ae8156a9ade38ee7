"""Somebody who takes part in mail, calls and meetings."""

from dataclasses import dataclass
from datetime import UTC, tzinfo


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who writes, calls and meets.

    Attributes:
        client: how their mail looks: `outlook`, `gmail`, `apple`, or `html` for HTML alone.
        employer: as it stands in their signature.
        zone: of their clock.
    """

    name: str
    address: str
    title: str = ""
    phone: str = ""
    client: str = "outlook"
    employer: str = ""
    language: str = "en"
    zone: tzinfo = UTC

    @property
    def domain(self) -> str:
        """Where their mail is."""
        return self.address.rpartition("@")[2]

    @property
    def first_name(self) -> str:
        """The name by which one is greeted."""
        return self.name.removeprefix("Dr. ").split()[0]
