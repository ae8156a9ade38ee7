"""A CRM export: a folder with one CSV file per kind of record."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from contracts.errors import UserError
from contracts.wire import EventKind
from ingest.file_names import as_text
from ingest.sheet import Sheet, open_sheet, plain_name, told_apart
from ingest.source import Heard
from transforms.crm import INSTEAD, fields_of, required_of

FILES: Final = {
    "account": "accounts.csv",
    "contact": "contacts.csv",
    "lead": "leads.csv",
    "opportunity": "opportunities.csv",
    "contact_role": "contact_roles.csv",
    "stage_change": "stage_changes.csv",
    "rep": "reps.csv",
    "org_unit": "org_units.csv",
    "assignment": "assignments.csv",
    "quota": "quotas.csv",
    "currency_rate": "currency_rates.csv",
    "investment": "investments.csv",
    "investment_cost": "investment_costs.csv",
    "exposure": "exposures.csv",
    "attendance": "attendance.csv",
    "proposal": "proposals.csv",
}
COLUMNS_FILE: Final = "columns.toml"

log = structlog.get_logger()


class _Table(NamedTuple):
    """A file whose columns are understood: a field for each, empty where it is left out."""

    entity: str
    sheet: Sheet
    fields: list[str]


class CrmCsvSource:
    """Reads a CRM export. Columns are fields of our rows, whatever their case and spacing.

    `changed_at` says when a record changed, `amount` is money in major units, a list has `;`
    between its values. A file `columns.toml` in the folder names other columns:

        [accounts]
        "Account Name" = "name"
        "Fax" = ""              # left out

    All files are looked at before the first record is yielded. A row that can't be understood is
    a dead letter. There is no cursor: every run reads everything.
    """

    kind: EventKind = "crm"
    resumes = False
    follow_seconds = None

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser().resolve()
        self.name = f"crm_csv:{as_text(self._path)}"

    def read(self, state: str) -> Iterator[Heard]:  # noqa: ARG002 there is no cursor
        """Yield the records, file by file.

        Raises:
            UserError: if there is no such export, or a column is not known; nothing is yielded.
        """
        for table in _tables(self._path):
            yield from _records(table)


def _tables(folder: Path) -> list[_Table]:
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: name the one that holds accounts.csv and so on")
    present = {entity: folder / name for entity, name in FILES.items() if (folder / name).is_file()}
    if not present:
        raise UserError(f"{folder} holds none of {', '.join(FILES.values())}")
    for stray in sorted({*folder.glob("*.csv")} - {*present.values()}):
        log.warning("file left out: its name is not one of a CRM export", file=str(stray))
    renamed = _renamed(folder / COLUMNS_FILE)
    tables, wrong = [], []
    for entity, path in present.items():
        try:
            tables.append(_table(entity, path, renamed.get(path.stem, {})))
        except UserError as error:
            wrong.append(str(error))
    if wrong:
        raise UserError("\n".join((*wrong, "Nothing was brought in")))
    return tables


def _renamed(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Return, for each file's stem, the fields of foreign columns."""
    if not path.exists():
        return {}
    try:
        return {
            stem: {plain_name(column): field for column, field in columns.items()}
            for stem, columns in tomllib.loads(path.read_text("utf-8-sig")).items()
        }
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise UserError(f'{path}: {error}: write [accounts] and "Their column" = "name"') from error


def _table(entity: str, path: Path, renamed: Mapping[str, str]) -> _Table:
    sheet = open_sheet(path)
    known = fields_of(entity)
    fields = [renamed.get(plain, plain) for plain in map(plain_name, sheet.header)]
    unknown = {
        column: field
        for column, field in zip(sheet.header, fields, strict=True)
        if field not in known and (field or plain_name(column) not in renamed)
    }
    if unknown:
        raise UserError(_not_fields(entity, path, unknown))
    _refuse_doubled_and_missing(entity, path, fields)
    return _Table(entity, sheet, fields)


def _not_fields(entity: str, path: Path, unknown: Mapping[str, str]) -> str:
    """Say which columns are no fields, with lines of `columns.toml` that would settle it."""
    known = fields_of(entity)
    lines = [f"[{path.stem}]"]
    for column, field in unknown.items():
        near = get_close_matches(field, known, 1, 0.5)
        lines.append(f'"{column}" = "{near[0]}"' if near else f'"{column}" = ""  # left out')
    return (
        f"{path}: no fields of {entity}: {', '.join(map(repr, unknown))}. Known are "
        f"{', '.join(known)}. Rename them, or say in {COLUMNS_FILE} what they are, such as:\n\n"
        + "\n".join(lines)
        + "\n"
    )


def _refuse_doubled_and_missing(entity: str, path: Path, fields: list[str]) -> None:
    doubled = [field for field, times in Counter(fields).items() if field and times > 1]
    if doubled:
        raise UserError(f"{path}: two columns are {doubled[0]!r}: leave one out in {COLUMNS_FILE}")
    given = {*fields} | {
        name for name, ways in INSTEAD.items() if any(way <= {*fields} for way in ways)
    }
    if missing := [field for field in required_of(entity) if field not in given]:
        ways = INSTEAD.get(missing[0], ({missing[0]},))
        wanted = " or ".join(" with ".join(map(repr, sorted(way))) for way in ways)
        raise UserError(f"{path}: {entity} needs a column {wanted}")


def _records(table: _Table) -> Iterator[Heard]:
    """Yield a file's rows."""
    for key, payload in told_apart(_payload(table, row) for row in table.sheet.rows()):
        yield Heard(f"{table.entity}-{key}", table.sheet.path.name, payload)


def _payload(table: _Table, row: list[str]) -> bytes:
    """Return the record's JSON; a value without a column keeps its place as its name."""
    record = {field: value for field, value in zip(table.fields, row, strict=False) if field}
    surplus = enumerate(row[len(table.fields) :], len(table.fields) + 1)
    record |= {f"column {place}": value for place, value in surplus if value.strip()}
    return json.dumps({"entity": table.entity, "record": record}, sort_keys=True).encode()
