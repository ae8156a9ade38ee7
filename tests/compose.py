"""docker-compose.yml as data, merged as Compose would, and which of its parts are ours."""

from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
OURS: Final = {name: given for name, given in SERVICES.items() if "build" in given}
"""The services that run our image."""
ONCE: Final = {name for name, given in SERVICES.items() if given.get("restart") == "no"}
"""The services that do their work and end."""
HOME: Final = "/var/lib/headwater"


def environment(name: str) -> dict[str, str]:
    """Return what a service is told in variables."""
    return dict(SERVICES[name].get("environment", {}))


def secrets(name: str) -> dict[str, str]:
    """Return the secrets of a service: the name of the file that it sees, and which it is."""
    given = [{"source": s} if isinstance(s, str) else s for s in SERVICES[name].get("secrets", [])]
    return {secret.get("target", secret["source"]): secret["source"] for secret in given}
