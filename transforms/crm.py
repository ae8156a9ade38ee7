"""CRM records on the wire to typed rows."""

from collections.abc import Mapping
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from contracts.clock import EARLIEST, LATEST, utc
from contracts.crm_rows import CrmRow
from contracts.entities import CRM_ENTITIES
from contracts.errors import Rejected, UserError
from contracts.money import Money
from transforms.investments import (
    refuse_backwards,
    refuse_unknown_reliability,
    with_amount_of_hours,
    with_known_words,
)

INSTEAD: Final = {
    "amount_minor": ({"amount"}, {"hours", "hourly_cost"}),
    "hourly_cost_minor": ({"hourly_cost"},),
}
"""Fields in major units that a record may have instead of a row's: each set stands for it."""

_NOT_GIVEN: Final = {"source", "knowable_at"}


class CrmRecord(msgspec.Struct, frozen=True):
    """One record as it travels: its entity and its fields by our names, values as they were heard.

    Text is read as what the field needs (`true`, `2026-11-23`, `12.5`); an empty one is absent;
    a list may be text with `;` between its values.
    """

    entity: str
    record: dict[str, Any]


_decoder: Final = msgspec.json.Decoder(CrmRecord)


def fields_of(entity: str) -> tuple[str, ...]:
    """Return the fields that a record of this entity may have."""
    row = CRM_ENTITIES[entity]
    named = [name for name in row.__struct_fields__ if name not in _NOT_GIVEN]
    major = [name.removesuffix("_minor") for name in named if name in INSTEAD]
    return tuple(dict.fromkeys([*named, *major, "changed_at"]))


def required_of(entity: str) -> tuple[str, ...]:
    """Return the fields that a record of this entity must have."""
    fields = msgspec.structs.fields(CRM_ENTITIES[entity])
    return tuple(field.name for field in fields if field.required and field.name not in _NOT_GIVEN)


def decode_crm(payload: bytes, source: str, received_at: datetime) -> CrmRow:
    """Return the row that a record's JSON tells of.

    Raises:
        Rejected: `bad_record`, with the entity, the field and what is wrong with it.
    """
    try:
        heard = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("bad_record", str(error)) from error
    row_type = CRM_ENTITIES.get(heard.entity)
    if row_type is None:
        known = ", ".join(CRM_ENTITIES)
        raise Rejected("bad_record", f"{heard.entity!r} is not an entity: it is one of {known}")
    try:
        return _row(row_type, heard, source, received_at)
    except (msgspec.ValidationError, UserError, ValueError, OverflowError) as error:
        raise Rejected("bad_record", f"{_named(heard)}: {error}") from error


def _named(heard: CrmRecord) -> str:
    """Return the entity with its first id, if it has one."""
    ids = (heard.record.get(name) for name in fields_of(heard.entity) if name.endswith("_id"))
    return f"{heard.entity} {next(filter(None, ids), '')}".rstrip()


def _row(row_type: type[CrmRow], heard: CrmRecord, source: str, received_at: datetime) -> CrmRow:
    given = {name: value for name, value in heard.record.items() if value not in ("", None, [])}
    _refuse_unknown(heard.entity, given)
    fields = {name: _listed(row_type, name, value) for name, value in given.items()}
    fields = with_known_words(heard.entity, fields)
    _amount_to_minor(fields)
    fields = with_amount_of_hours(fields) if heard.entity == "investment_cost" else fields
    refuse_backwards(fields)
    refuse_unknown_reliability(fields)
    fields |= {name: _moment(value) for name, value in fields.items() if name.endswith("_at")}
    if changed_at := fields.get("changed_at"):
        fields["knowable_at"] = changed_at
    fields = {"source": source, "knowable_at": received_at, **fields}
    row = msgspec.convert(fields, row_type, strict=False)
    _refuse_out_of_range(row)
    return row


def _refuse_unknown(entity: str, fields: Mapping[str, object]) -> None:
    known = fields_of(entity)
    for name in fields:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f": did you mean {near[0]!r}?" if near else f": it has {', '.join(known)}"
            raise ValueError(f"{name!r} is not a field{hint}")


def _listed(row_type: type[CrmRow], name: str, value: object) -> object:
    """Split text into the list that the field needs."""
    is_list = row_type.__annotations__.get(name) == tuple[str, ...]
    if is_list and isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    return value.strip() if isinstance(value, str) else value


def _amount_to_minor(fields: dict[str, object]) -> None:
    """Turn `amount`, in major units, into `amount_minor`."""
    if "amount" in fields:
        currency = str(fields.get("currency", "USD")).upper()
        fields["currency"] = currency
        fields["amount_minor"] = Money.parse(str(fields.pop("amount")), currency).minor


def _moment(value: object) -> datetime:
    return utc(msgspec.convert(value, datetime, strict=False))


def _refuse_out_of_range(row: CrmRow) -> None:
    """Raise ValueError for what the database cannot keep."""
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if isinstance(value, bool | str | tuple | None):
            continue
        low, high = _range_of(name, value)
        if not low <= value <= high:  # false for NaN too
            raise ValueError(f"{name}: {value} is not between {low} and {high}")


def _range_of(name: str, value: object) -> tuple[Any, Any]:
    if isinstance(value, datetime):
        return EARLIEST, LATEST
    if isinstance(value, date):
        return EARLIEST.date(), LATEST.date()
    if name == "gross_margin_rate":
        return -10, 1  # what is sold at a loss has a margin below nothing
    if name.endswith("_rate"):
        return 0, 1
    if name == "employees":
        return 0, 2**32 - 1
    return (-(2**63), 2**63 - 1) if isinstance(value, int) else (0, 10**9)
