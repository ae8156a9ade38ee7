"""A CRM that is fed by files: its own export is read, and a drop holds only what is to be set.

An import job takes the drops. What earlier drops set counts as the CRM's value, until an export
that is newer than the drop says otherwise.
"""

import csv
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Final, TextIO

from activation.target import Answer, Change, Outcome, Record
from activation.writeback import OWN_PREFIX
from contracts.clock import Clock
from contracts.errors import Fatal, Retryable

_ID: Final = "{}_id"
_FILLABLE: Final = frozenset({"website"})
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?")
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")
Table = dict[str, dict[str, str]]


class CsvDrop:
    """A folder with `accounts.csv`, the CRM's export, and our `headwater-accounts-*.csv` drops.

    Raises:
        Fatal: the folder or the export can't be read, or is not of the form that we know.
        Retryable: a drop can't be written; none is left half-written.
    """

    name = "csv"

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def fillable(self, object_type: str) -> frozenset[str]:
        """Return the fields of people that the export has and that we may fill."""
        header, _ = _read(self._export(object_type), object_type)
        return _FILLABLE & set(header)

    def read(
        self, object_type: str, ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Record]:
        """Return the export's records, with what drops have set that it can't tell yet."""
        header, table = self._current(object_type)
        ours = {field for field in fields if field.startswith(OWN_PREFIX)}
        known = ours | (_FILLABLE & set(header) & set(fields))
        return {
            object_id: Record(
                _version(table[object_id]),
                {field: table[object_id].get(field, "") for field in known},
            )
            for object_id in ids
            if object_id in table
        }

    def write(self, object_type: str, changes: Sequence[Change]) -> Iterator[tuple[str, Answer]]:
        """Drop the changes whose records are still as they were read.

        A drop for each set of fields: an empty cell would tell an import to empty the field.
        """
        _, table = self._current(object_type)
        drops: dict[tuple[str, ...], list[Change]] = defaultdict(list)
        for change in changes:
            record = table.get(change.object_id)
            if record is not None and _version(record) == change.version:
                drops[tuple(sorted(change.values))].append(change)
            else:
                yield change.object_id, Answer(Outcome.CONFLICT)
        for fields, fit in drops.items():
            self._drop(object_type, fields, fit)
            yield from ((change.object_id, Answer(Outcome.WRITTEN)) for change in fit)

    def _current(self, object_type: str) -> tuple[list[str], Table]:
        export = self._export(object_type)
        header, table = _read(export, object_type)
        for drop in sorted(self._folder.glob(f"headwater-{object_type}s-*.csv")):
            is_newer = drop.stat().st_mtime_ns >= export.stat().st_mtime_ns
            for object_id, values in _read(drop, object_type)[1].items():
                # Own fields that the export leaves out are known from the drops alone.
                told = {f: v for f, v in values.items() if is_newer or f not in header}
                table.get(object_id, {}).update(told)
        return header, table

    def _drop(self, object_type: str, fields: Sequence[str], changes: Sequence[Change]) -> None:
        with _whole_file(self._free_path(object_type)) as file:
            writer = csv.writer(file)
            writer.writerow([_ID.format(object_type), *fields])
            for change in changes:
                cells = (change.object_id, *(change.values[field] for field in fields))
                writer.writerow(map(guarded, cells))

    def _free_path(self, object_type: str) -> Path:
        stamp = f"headwater-{object_type}s-{self._clock.now():%Y%m%dT%H%M%S%f}"
        paths = (self._folder / f"{stamp}-{number:02}.csv" for number in count(1))
        return next(path for path in paths if not path.exists())

    def _export(self, object_type: str) -> Path:
        return self._folder / f"{object_type}s.csv"


def guarded(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe before it if need be.

    `unguarded` is its inverse, for every text.
    """
    if _NUMBER.fullmatch(value) or not _FORMULA.match(value):
        return value
    return f"'{value}"


def unguarded(cell: str) -> str:
    """Return the value that a guarded cell stands for."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _read(path: Path, object_type: str) -> tuple[list[str], Table]:
    """Return the fields and the records of a whole table; a drop's cells are unguarded."""
    key = _ID.format(object_type)
    plain = unguarded if path.name.startswith("headwater-") else str
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, strict=True)
            header = _header(path, rows.fieldnames, key)
            table: Table = {}
            for row in rows:
                place = f"{path}, line {rows.line_num}"
                values = {name: plain(cell) for name, cell in _cells(row, place).items()}
                object_id = values.pop(key)
                if object_id in table:
                    raise Fatal(f"{place}: {object_id} is there twice: export it again")
                table[object_id] = values
            return header, table
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Fatal(
            f"{path} can't be read ({error}): put the CRM's {object_type}s there, as UTF-8"
        ) from error


def _header(path: Path, names: Sequence[str] | None, key: str) -> list[str]:
    """Return the columns without the id's."""
    header = [name for name in names or () if name != key]
    if len(header) + 1 != len(names or ()) or len(set(header)) != len(header):
        raise Fatal(f"{path} must have one column {key}, and no column twice: export it again")
    return header


def _cells(row: Mapping[str | None, str | None], place: str) -> dict[str, str]:
    """Return a row that can be trusted: what it left out would not be known to be empty."""
    cells = {name: cell for name, cell in row.items() if name is not None and cell is not None}
    if len(cells) < len(row):
        raise Fatal(f"{place}: not as many cells as the header: is it still being written?")
    return cells


@contextmanager
def _whole_file(path: Path) -> Iterator[TextIO]:
    """Give a file that takes its name only when it is complete and on disk."""
    unfinished = path.with_suffix(".unfinished")
    try:
        with unfinished.open("w", newline="", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except OSError as error:
        raise Retryable(
            f"{path} can't be written ({error}): make room, or mend the rights"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _version(values: Mapping[str, str]) -> str:
    return sha256(repr(sorted(values.items())).encode()).hexdigest()
