"""Where a warehouse is served, to whom, and how much of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

USERS: Final = ("default", "headwater")


@dataclass(frozen=True)
class Place:
    """Where a server keeps its files and listens.

    Attributes:
        port: 0 picks a free one.
        password: what every client must know.
    """

    folder: Path
    host: str
    port: int
    password: SecretStr


@dataclass(frozen=True)
class Limits:
    """How much a server gives.

    Attributes:
        connections: clients at the same time.
        query_bytes: memory of one query, unless its client sets another limit.
        stop_seconds: how long running writes may take to end once the server stops.
    """

    connections: int
    query_bytes: int
    stop_seconds: float
