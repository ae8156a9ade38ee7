"""The folder of a warehouse: whose it is, and that one server alone has it open."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Final, Literal, TypeAlias

from contracts.errors import UserError

EngineName: TypeAlias = Literal["chdb", "clickhouse"]

_NAME: Final = "headwater warehouse"
_FORMAT_VERSION: Final = 1
_IDENTITY: Final = "headwater-warehouse.json"
_PATIENCE_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Identity:
    """What a folder says of itself.

    Attributes:
        engine: which engine's files it holds: another one can't be set on them.
    """

    engine: EngineName


def identity(folder: Path) -> Identity | None:
    """Return what a folder says of itself; nothing if it is new.

    Raises:
        UserError: if it holds something else, or a later version's data.
    """
    if _is_new(folder):
        return None
    path = folder / _IDENTITY
    try:
        said = json.loads(path.read_text())
        name, version, engine = said["name"], said["format_version"], said["engine"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(
            f"{folder} is not empty and not a headwater warehouse ({_IDENTITY} is missing): "
            "choose another folder, or move away what is in it"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged: restore it from a backup of this folder") from error
    if name != _NAME or version != _FORMAT_VERSION:
        raise UserError(
            f"{folder} holds {name} of format {version}, this version of headwater reads "
            f"{_NAME} of format {_FORMAT_VERSION}: use the headwater that wrote it"
        )
    return Identity(engine)


@contextmanager
def opened(folder: Path, engine: EngineName) -> Iterator[Path]:
    """Have a folder to ourselves while the body runs; a new one is marked as ours.

    Yields:
        where the engine keeps its files.

    Raises:
        UserError: if another server has it open, or it isn't ours.
    """
    known = identity(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / _IDENTITY
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, folder)
        if known is None:
            said = {"name": _NAME, "format_version": _FORMAT_VERSION, "engine": engine}
            os.write(descriptor, json.dumps(said).encode())
            os.fsync(descriptor)
        yield folder / "data"
    finally:
        os.close(descriptor)


def is_open(folder: Path) -> bool:
    """Tell whether a server has the folder open."""
    try:
        with (folder / _IDENTITY).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def _is_new(folder: Path) -> bool:
    """Tell whether nothing was kept here yet; a start that was cut short leaves an empty file."""
    if not folder.exists():
        return True
    return folder.is_dir() and all(
        path.name == _IDENTITY and not path.stat().st_size for path in folder.iterdir()
    )


def _lock(descriptor: int, folder: Path) -> None:
    """Lock the folder; `is_open`, asked by others, may hold it for a moment."""
    deadline = monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if monotonic() > deadline:
                raise UserError(
                    f"another server has {folder} open: stop it first, or use the one that runs"
                ) from error
            sleep(0.02)
        else:
            return
