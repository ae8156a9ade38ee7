"""A CRM that is fed by files: its own export is read, and a drop holds only what is to be set.

An import job takes the drops. What earlier drops set counts as the CRM's value, until an export
that is newer than the drop says otherwise.
"""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from activation.target import Answer, Change, Outcome, Record
from activation.writeback import OWN_PREFIX
from contracts.clock import Clock
from contracts.errors import Fatal, Retryable

_ID: Final = "{}_id"
_FILLABLE: Final = frozenset({"website"})
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
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
        """Return the export's records, with what drops newer than it have set."""
        table = self._current(object_type)
        return {
            object_id: Record(
                _version(table[object_id]),
                {field: table[object_id].get(field, "") for field in fields},
            )
            for object_id in ids
            if object_id in table
        }

    def write(self, object_type: str, changes: Sequence[Change]) -> Mapping[str, Answer]:
        """Write one drop with the changes whose records are still as they were read."""
        table = self._current(object_type)
        fit = [c for c in changes if _version(table.get(c.object_id, {})) == c.version]
        if fit:
            self._drop(object_type, fit)
        written = {change.object_id for change in fit}
        return {
            change.object_id: Answer(
                Outcome.WRITTEN if change.object_id in written else Outcome.CONFLICT
            )
            for change in changes
        }

    def _current(self, object_type: str) -> Table:
        export = self._export(object_type)
        _, table = _read(export, object_type)
        for drop in sorted(self._folder.glob(f"headwater-{object_type}s-*.csv")):
            newer = drop.stat().st_mtime_ns >= export.stat().st_mtime_ns
            for object_id, values in _read(drop, object_type)[1].items():
                if object_id in table:
                    # An export never has our own fields back unless the CRM took them.
                    kept = {f: v for f, v in values.items() if newer or f.startswith(OWN_PREFIX)}
                    table[object_id] |= {f: _unguarded(v) for f, v in kept.items() if v}
        return table

    def _drop(self, object_type: str, changes: Sequence[Change]) -> None:
        fields = sorted({field for change in changes for field in change.values})
        stamp = f"{self._clock.now():%Y%m%dT%H%M%S%f}"
        path = self._folder / f"headwater-{object_type}s-{stamp}.csv"
        with _whole_file(path) as unfinished, unfinished.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([_ID.format(object_type), *fields])
            for change in changes:
                values = (_guarded(change.values.get(field, "")) for field in fields)
                writer.writerow([change.object_id, *values])
            file.flush()
            os.fsync(file.fileno())

    def _export(self, object_type: str) -> Path:
        return self._folder / f"{object_type}s.csv"


def _read(path: Path, object_type: str) -> tuple[list[str], Table]:
    key = _ID.format(object_type)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            header = list(rows.fieldnames or ())
            if key not in header:
                raise Fatal(
                    f"{path} has no column {key}: it must be the CRM's export of {object_type}s"
                )
            return header, {row[key]: {f: row[f] or "" for f in header if f != key} for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Fatal(
            f"{path} can't be read ({error}): put the CRM's {object_type}s there"
        ) from error


@contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
    """Give a file that takes its name only when it is complete."""
    unfinished = path.with_suffix(".unfinished")
    try:
        yield unfinished
        unfinished.rename(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise Retryable(
            f"{path} can't be written ({error}): make room, or mend the rights"
        ) from error


def _version(values: Mapping[str, str]) -> str:
    return sha256(repr(sorted(values.items())).encode()).hexdigest()


def _guarded(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _unguarded(value: str) -> str:
    return value[1:] if value.startswith("'") and value[1:].startswith(_FORMULA) else value
