"""Traces of a person in one machine's files: found, and overwritten in those that are ours."""

import mmap
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

_OURS: Final = {"dagster", "dbt", "faust", "logs"}
"""Folders of the home that hold what our programs said."""
_ELSEWHERE: Final = {"erasures", "log", "run", "secrets", "warehouse"}
"""Folders that have an eraser of their own, or hold nobody's data."""
_DROPPED: Final = "headwater-*"
_SQLITE: Final = b"SQLite format 3\x00"
_SIDE_FILES: Final = ("-wal", "-shm", "-journal")
_WAIT_SECONDS: Final = 30
_Cell = str | bytes | int | float | None


class Traces:
    """Looks through a home.

    Args:
        home: of one machine's state.
        found: what finds the person, with what stands around it in groups 1 and 2.
    """

    def __init__(self, home: Path, found: str) -> None:
        self._home = home
        self._text = re.compile(found)
        self._bytes = re.compile(found.encode())

    def ours(self) -> list[Path]:
        """Return the files of ours that hold the person."""
        return [path for path in self._holding() if self._is_ours(path)]

    def others(self) -> list[Path]:
        """Return the files that somebody put into the home and that hold the person."""
        return [path for path in self._holding() if not self._is_ours(path)]

    def overwrite(self) -> int:
        """Overwrite the person in the files that are ours; return how many were.

        A program may go on writing to them: no byte moves.
        """
        paths = self.ours()
        for path in paths:
            if _is_sqlite(path):
                self._overwrite_database(path)
            else:
                self._overwrite_bytes(path)
        return len(paths)

    def _holding(self) -> Iterator[Path]:
        for path in sorted(self._home.rglob("*")):
            part = path.relative_to(self._home).parts[0]
            if part in _ELSEWHERE or path.name.endswith(_SIDE_FILES) or not path.is_file():
                continue
            if path.stat().st_size and self._holds(path):
                yield path

    def _holds(self, path: Path) -> bool:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
            return bool(self._bytes.search(held))

    def _is_ours(self, path: Path) -> bool:
        part = path.relative_to(self._home).parts[0]
        return part in _OURS or (part == "crm_drop" and path.match(_DROPPED))

    def _overwrite_bytes(self, path: Path) -> None:
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as held:
            at = 0
            while found := self._bytes.search(held, at):
                start, end = found.end(1), found.start(2)
                held[start:end] = b"*" * (end - start)
                at = end
            held.flush()

    def _overwrite_database(self, path: Path) -> None:
        with closing(sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)) as db:
            db.create_function("mended", 1, self._mended)
            db.execute("PRAGMA secure_delete = ON")
            for table, column in db.execute(_COLUMNS).fetchall():
                db.execute(
                    f'UPDATE "{table}" SET "{column}" = mended("{column}") '
                    f'WHERE mended("{column}") IS NOT "{column}"'
                )
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.execute("VACUUM")

    def _mended(self, value: _Cell) -> _Cell:
        if not isinstance(value, str):
            return value
        return self._text.sub(
            lambda found: found.group(1) + "*" * (found.start(2) - found.end(1)) + found.group(2),
            value,
        )


_COLUMNS: Final = """
    SELECT made.name, held.name
    FROM sqlite_master AS made, pragma_table_info(made.name) AS held
    WHERE made.type = 'table' AND made.name NOT LIKE 'sqlite_%'
"""


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
