"""A learning system's attendance export: who completed which course, and when."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog

from contracts.errors import UserError
from contracts.wire import EventKind
from ingest.file_names import as_text
from ingest.sheet import Sheet, open_sheet, plain_name, told_apart
from ingest.source import Heard

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "learner_email": ("learner_email", "email", "user_email", "learner", "e_mail", "user"),
    "completed_on": (
        "completed_on", "completed_at", "completion_date", "date_completed", "completed",
        "end_date",
    ),
    "course": ("course", "course_name", "course_title", "training", "module"),
    "score": ("score", "grade", "final_score", "score_percent"),
    "hours": ("hours", "duration_hours", "hours_spent", "credit_hours"),
}  # fmt: skip
"""The names that learning systems give to what we read; whatever else they tell is left out."""

_DATED: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[T ].*")
_SHAPE: Final = (
    '[columns] with "Their column" = "learner_email", and [courses] with "Course" = "ID"'
)

log = structlog.get_logger()


class Mapped(NamedTuple):
    """What the mapping file says: fields of foreign columns, and courses' investments."""

    columns: Mapping[str, str]
    courses: Mapping[str, str]


class AttendanceSource:
    """Reads an attendance export: each completion reaches its learner from that day on.

    Whoever has not completed yet is left out. A mapping in TOML names other columns, and which
    course belongs to which investment; a course with "" is left out:

        [columns]
        "Mitarbeiter" = "learner_email"

        [courses]
        "Negotiation 101" = "INV-07"

    Args:
        path: the CSV file.
        investment_id: to which all of it belongs; else the mapping must say.
        mapping: the TOML file.
    """

    kind: EventKind = "crm"
    resumes = False
    follow_seconds = None

    def __init__(self, path: Path, investment_id: str = "", mapping: Path | None = None) -> None:
        self._path = path.expanduser().resolve()
        self._investment_id = investment_id
        self._mapping = mapping
        self.name = f"attendance:{as_text(self._path)}"

    def read(self, state: str) -> Iterator[Heard]:  # noqa: ARG002 there is no cursor
        """Yield the completions in order.

        Raises:
            UserError: if there is no such file, a column is missing, or nothing says which
                investment a course belongs to; nothing is yielded.
        """
        mapped = _mapped(self._mapping)
        if not (self._investment_id or mapped.courses):
            raise UserError(
                "which investment do these courses belong to? Say `--investment ID`, or name "
                "the courses below [courses] in a file for `--mapping`"
            )
        sheet = open_sheet(self._path)
        fields = _fields(sheet, mapped.columns)
        payloads = _payloads(sheet, fields, mapped.courses, self._investment_id)
        for key, payload in told_apart(payloads):
            yield Heard(f"attendance-{key}", as_text(self._path.name), payload)


def _mapped(path: Path | None) -> Mapped:
    if path is None:
        return Mapped({}, {})
    try:
        told = tomllib.loads(path.read_text("utf-8-sig"))
        columns = {plain_name(name): str(field) for name, field in told.pop("columns", {}).items()}
        courses = {str(name): str(id_) for name, id_ in told.pop("courses", {}).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{path} can't be read: {error}: write {_SHAPE}") from error
    if told:
        raise UserError(f"{path}: [{next(iter(told))}] is not known: write {_SHAPE}")
    return Mapped(columns, courses)


def _fields(sheet: Sheet, renamed: Mapping[str, str]) -> list[str]:
    """Return the field of each column, empty for what is left out."""
    ours = {name: field for field, names in COLUMNS.items() for name in names} | dict(renamed)
    fields = [ours.get(plain_name(column), "") for column in sheet.header]
    for field, times in Counter(filter(None, fields)).items():
        if field not in COLUMNS:
            raise UserError(
                f"{field!r} is not a field of an attendance: it has {', '.join(COLUMNS)}"
            )
        if times > 1:
            raise UserError(
                f"{sheet.path}: {times} columns could be the {field}: leave all but one out, by "
                f'"Their column" = "" below [columns] of a mapping'
            )
    if missing := [name for name in ("learner_email", "completed_on") if name not in fields]:
        raise UserError(
            f"{sheet.path}: no column is the {missing[0]} (it has {', '.join(sheet.header)}): name "
            f'it below [columns] of a file for `--mapping`: "Their column" = "{missing[0]}"'
        )
    return fields


def _payloads(
    sheet: Sheet, fields: list[str], courses: Mapping[str, str], investment_id: str
) -> Iterator[bytes]:
    left_out: Counter[str] = Counter()
    for row in sheet.rows():
        told = {f: v.strip() for f, v in zip(fields, row, strict=False) if f and v.strip()}
        course = told.get("course", "")
        belongs_to = courses.get(course, investment_id if not courses else None)
        if "completed_on" not in told:
            left_out["not completed yet"] += 1
        elif belongs_to == "":
            left_out[f"course {course!r} is left out by the mapping"] += 1
        else:
            yield _payload(told, belongs_to or "")
    for why, count in left_out.items():
        log.warning("attendance left out", file=str(sheet.path), why=why, rows=count)


def _payload(told: dict[str, str], investment_id: str) -> bytes:
    """Return the record; a completion was knowable on its day. A moment is cut to its day."""
    record: dict[str, Any] = {**told, "investment_id": investment_id}
    if dated := _DATED.fullmatch(told["completed_on"]):
        record["completed_on"] = dated.group(1)
    return json.dumps({"entity": "attendance", "record": record}, sort_keys=True).encode()
