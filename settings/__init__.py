"""Every setting, in one place: `HEADWATER_*` in the environment, secret files, `headwater.toml`.

Secrets are `SecretStr`: they don't show in logs or errors.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from typing_extensions import override

from contracts.capture import Capture, Mode
from contracts.company import Company
from contracts.errors import UserError
from contracts.matching import MatchRules

_NONE = SecretStr("")


def default_home() -> Path:
    """Return where one machine keeps its state: `HEADWATER_HOME`, else the user's data folder."""
    if home := os.environ.get("HEADWATER_HOME"):
        return Path(home).expanduser().resolve()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return (Path(data) / "headwater").expanduser().resolve()


def secret_files() -> Path:
    """Return the folder of files that hold a setting each, as containers are given secrets.

    `HEADWATER_SECRETS_DIR`, else `/run/secrets`. A file is named as the variable, in any case.
    """
    return Path(os.environ.get("HEADWATER_SECRETS_DIR") or "/run/secrets")


class Mailbox(BaseModel, frozen=True, extra="forbid"):
    """A mailbox that the workers read for as long as they run.

    Attributes:
        address: whose it is; its mail is seen by this observer.
        url: `imap[s]://USER@HOST[:PORT]`.
        password_file: holds the password; by default `secrets/mailboxes/ADDRESS` in the home.
        mode: what is kept of its mail, where that differs from the workspace's.
    """

    address: str = Field(min_length=1)
    url: str = ""
    password_file: Path | None = None
    mode: Mode | None = None


class Settings(BaseSettings):
    """What differs between a laptop and a cluster, and between two companies.

    Attributes:
        home: folder of the local log, warehouse, secrets and process files.
        log_url: `sqlite:///PATH` (the default, in the home) or `kafka://HOST:PORT`.
        warehouse_url: `clickhouse://USER:PASSWORD@HOST:PORT`; empty means the local server.
        warehouse_cluster: the ClickHouse cluster on which migrations make replicated tables; empty
            means one server.
        bind: where the worker, the dashboard and Dagster listen: on loopback, or, in a container,
            on every address.
        dagster_code_host, dagster_code_port: where Dagster's code is served, if by itself.
        worker_url: where commands are sent: `http://HOST:PORT`; empty means this machine's worker.
        webhook_secret: signs incoming webhooks; the local stack makes one in the home.
        command_token: opens the worker's door for commands; made likewise.
        erasure_key: makes the tokens of erased people and signs receipts; made likewise. Whoever
            loses it can't keep the erased unheard.
        erasures_a_day, erasure_rows: what is more than that needs to be forced: a brake.
        backup_days: how long backups are kept, for the receipts of erasures.
        crm_target: `csv` or `tryton`.
        capture: how much of a mail is kept.
        mailboxes: those that the workers read, and those with a mode of their own.
        tryton_url: such as `http://127.0.0.1:8000/crm/`.
    """

    model_config = SettingsConfigDict(
        env_prefix="HEADWATER_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    home: Path = Field(default_factory=default_home)
    company: Company = Company()
    matching: MatchRules = MatchRules()
    capture: Capture = Capture()
    mailboxes: tuple[Mailbox, ...] = ()
    log_url: str = ""
    log_partitions: int = Field(default=4, ge=1)
    warehouse_url: SecretStr = SecretStr("")
    warehouse_cluster: str = Field(default="", pattern=r"^\w*$")
    bind: Literal["127.0.0.1", "0.0.0.0"] = "127.0.0.1"  # noqa: S104 for containers
    worker_port: int = 6066
    worker_url: str = Field(default="", pattern=r"^(https?://[^/\s]+)?$")
    dashboard_port: int = 8501
    dagster_port: int = 3000
    dagster_code_host: str = "127.0.0.1"
    dagster_code_port: int = 4266
    batch_size: int = Field(default=2_000, ge=1)
    batch_seconds: float = Field(default=0.2, gt=0)
    webhook_secret: SecretStr = SecretStr("")
    command_token: SecretStr = SecretStr("")
    erasure_key: SecretStr = SecretStr("")
    erasures_a_day: int = Field(default=20, ge=1)
    erasure_rows: int = Field(default=20_000, ge=1)
    backup_days: int = Field(default=35, ge=0)
    crm_target: str = "csv"
    tryton_url: str = ""
    tryton_user: str = "admin"
    tryton_password: SecretStr = SecretStr("")
    log_level: str = "INFO"

    @property
    def broker_url(self) -> str:
        """The log's address."""
        return self.log_url or f"sqlite:///{self.home}/log/log.db"

    @property
    def log_path(self) -> Path | None:
        """The file of a log of this machine; None for a broker's."""
        url = self.broker_url
        path = url.removeprefix("sqlite:").lstrip("/")
        return Path("/", path) if url.startswith("sqlite:") else None

    @property
    def worker_address(self) -> str:
        """Where a worker's doors are."""
        return self.worker_url or f"http://127.0.0.1:{self.worker_port}"

    def capture_of(self, observer: str) -> Capture:
        """Return the policy for what a mailbox, or another observer, sees."""
        modes = {box.address.lower(): box.mode for box in self.mailboxes if box.mode}
        mode = modes.get(observer.lower())
        return self.capture.model_copy(update={"mode": mode}) if mode else self.capture

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments first, then the environment, secret files, and the home's file."""
        home = init_settings().get("home") or default_home()
        file = TomlConfigSettingsSource(settings_cls, Path(home) / "headwater.toml")
        folder = secret_files()
        files = [SecretsSettingsSource(settings_cls, folder)] if folder.is_dir() else []
        return init_settings, env_settings, *files, file


def load(home: Path | None = None) -> Settings:
    """Read the settings.

    Raises:
        UserError: if the file holds something that is not a setting, or a value is not what its
            setting needs; the message names each one, never its value.
    """
    try:
        return Settings(home=home) if home else Settings()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {_said(e)}" for e in error.errors())
    except (ValueError, OSError) as error:
        wrong = str(error)
    file = (home or default_home()) / "headwater.toml"
    raise UserError(f"settings: {wrong}. Correct HEADWATER_* in the environment or {file}")


def _said(error: ErrorDetails) -> str:
    return "is not a setting" if error["type"] == "extra_forbidden" else error["msg"]


def secret(home: Path, name: str, given: SecretStr = _NONE) -> SecretStr:
    """Return a given secret, else the one that the home keeps in `secrets/NAME` (made at need).

    The file is readable by its owner alone.
    """
    if given.get_secret_value():
        return given
    path = home / "secrets" / name
    if not path.exists():
        _make(path)
    return SecretStr(path.read_text().strip())


def erasure_key(settings: Settings) -> SecretStr:
    """Return the key of erasures: the given one, else the home's."""
    return secret(settings.home, "erasure_key", settings.erasure_key)


def _make(path: Path) -> None:
    """Make a secret; of processes that make it at once, one wins, and none reads half of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, written = mkstemp(dir=path.parent)  # readable by its owner alone
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    with suppress(FileExistsError):
        os.link(written, path)
    os.unlink(written)  # noqa: PTH108 as it was made: by its name
