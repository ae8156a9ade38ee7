"""The dbt project, run in this process: its manifest, prepared once, and what became of each node.

dbt is imported when it is first needed: it takes seconds, and loading the definitions, scoring and
judging go without. `python -m orchestration.dbt ARGS` runs dbt by hand on the settings' warehouse.
"""

import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import transforms
from contracts.errors import Fatal
from settings import Settings, load

PROJECT: Final = Path(transforms.__file__).parent / "dbt"
_QUIET: Final = ("--log-level", "none", "--log-level-file", "none", "--no-use-colors")
_CLICKHOUSE_PORT: Final = 9000


@dataclass(frozen=True)
class Outcome:
    """What became of a model or a test.

    Attributes:
        status: dbt's word: `success`, `pass`, `warn`, `fail`, `error` or `skipped`.
        sql: as it was compiled; for a test, it selects what is wrong.
    """

    unique_id: str
    status: str
    message: str
    seconds: float
    failures: int
    sql: str


class Dbt:
    """The project with the company's settings, on its warehouse. One dbt at a time in a home."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.home / "dbt" / _digest()

    def manifest(self) -> Mapping[str, Any]:
        """Return what the project consists of; parsed once, then kept in the home.

        Raises:
            Fatal: if the project does not parse.
        """
        path = self._folder / "manifest.json"
        if not path.exists():
            with self._alone():
                if not path.exists():
                    self._parse()
        manifest: Mapping[str, Any] = json.loads(path.read_text())
        return manifest

    def build(self, names: Sequence[str]) -> list[Outcome]:
        """Build and test exactly the nodes of these names; what rests on a failed test is skipped.

        Raises:
            Fatal: if dbt itself fails, before any node.
        """
        self.manifest()
        with self._alone():
            exact = ("--indirect-selection", "empty", "--select", *names)
            result = self._invoke(("--no-write-json", "build", *exact), self._prepared())
        return [_outcome(node) for node in result.results]

    def _parse(self) -> None:
        unfinished = self._folder.with_suffix(".unfinished")
        self._invoke(("parse",), target=unfinished)
        unfinished.rename(self._folder)

    def _prepared(self) -> Any:  # noqa: ANN401 dbt's manifest
        """Return the parsed project: dbt would parse again whenever the warehouse's port moves."""
        from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415 takes seconds

        return Manifest.from_msgpack((self._folder / "partial_parse.msgpack").read_bytes())

    def _invoke(
        self,
        args: Sequence[str],
        manifest: Any = None,  # noqa: ANN401 dbt's manifest
        target: Path | None = None,
    ) -> Any:  # noqa: ANN401 dbt's result
        from dbt.cli.main import dbtRunner  # noqa: PLC0415 takes seconds

        with _environment(environment(self._settings, target or self._folder)):
            answer = dbtRunner(manifest=manifest).invoke([*_QUIET, *args])
        if answer.exception is not None:
            raise Fatal(f"dbt {args[-1]}: {answer.exception}") from answer.exception
        return answer.result

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with (self._folder.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def environment(settings: Settings, target: Path) -> dict[str, str]:
    """Return all that the project reads from its environment."""
    url = urlsplit(settings.warehouse_url.get_secret_value())
    return {
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target),
        "HEADWATER_DBT_HOST": url.hostname or "127.0.0.1",
        "HEADWATER_DBT_PORT": str(url.port or _CLICKHOUSE_PORT),
        "HEADWATER_DBT_USER": unquote(url.username or "default"),
        "HEADWATER_DBT_SECURE": str(url.scheme == "clickhouses" or "secure=true" in url.query),
        "DBT_ENV_SECRET_HEADWATER_PASSWORD": unquote(url.password or ""),
        "HEADWATER_DBT_CLUSTER": settings.warehouse_cluster,
        "HEADWATER_BASE_CURRENCY": settings.company.base_currency,
        "HEADWATER_TIME_ZONE": settings.company.time_zone,
    }


def _outcome(result: Any) -> Outcome:  # noqa: ANN401 dbt's result
    node = result.node
    return Outcome(
        unique_id=node.unique_id,
        status=str(result.status),
        message=result.message or "",
        seconds=result.execution_time,
        failures=result.failures or 0,
        sql=getattr(node, "compiled_code", None) or "",
    )


def _digest() -> str:
    """Return what changes whenever the project, or the dbt that reads it, does."""
    digest = hashlib.sha256()
    for package in ("dbt-core", "dbt-clickhouse"):
        digest.update(version(package).encode())
    for path in sorted(p for p in PROJECT.rglob("*") if p.suffix in {".sql", ".yml"}):
        digest.update(f"{path.relative_to(PROJECT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Have variables in this process's environment while the body runs: dbt reads nothing else."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def main(args: Sequence[str]) -> int:
    """Run dbt by hand; return its exit code."""
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 takes seconds

    settings = load()
    with _environment(environment(settings, settings.home / "dbt" / "by_hand")):
        return 0 if dbtRunner().invoke(list(args)).success else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
