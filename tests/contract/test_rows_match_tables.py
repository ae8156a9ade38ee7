"""Every row type is its table: the same columns, in types that hold the same values."""

from datetime import date, datetime
from decimal import Decimal
from types import UnionType
from typing import get_args, get_origin, get_type_hints
from uuid import UUID

import pytest

from tests.row_types import OWN_DATABASES, row_types

pytestmark = pytest.mark.warehouse

HOLDS: dict[object, set[str]] = {
    str: {"String"},
    int: {"UInt16", "UInt32", "UInt64", "Int32", "Int64"},
    float: {"Float64"},
    bool: {"Bool"},
    UUID: {"UUID"},
    datetime: {"DateTime64(6, 'UTC')"},
    date: {"Date32"},
    Decimal: {"Decimal(18, 8)"},
}
STAMPED = "ingested_at"


def kinds(annotation: object) -> set[str]:
    """Return the column types that hold all values of an annotation, and no others."""
    if get_origin(annotation) is UnionType:
        (kind,) = (kind for kind in get_args(annotation) if kind is not type(None))
        return {f"Nullable({name})" for name in kinds(kind)}
    if get_origin(annotation) is tuple:
        return {f"Array({name})" for name in kinds(get_args(annotation)[0])}
    return HOLDS[annotation]


def plain(column_type: str) -> str:
    return column_type.replace("LowCardinality(String)", "String")


@pytest.mark.parametrize("row_type", list(row_types()), ids=lambda row_type: row_type.table)
def test_a_row_has_the_fields_of_its_table_and_their_types(reader, row_type):
    described = reader.frame(f"DESCRIBE TABLE {row_type.table}")
    columns = {name: plain(kind) for name, kind, *_ in described.itertuples(index=False)}
    columns.pop(STAMPED, None)
    hints = get_type_hints(row_type)
    assert set(row_type.__struct_fields__) == set(columns)
    wrong = {name: columns[name] for name in columns if columns[name] not in kinds(hints[name])}
    assert wrong == {}


def test_every_table_that_is_not_ours_alone_has_a_row_type(reader):
    held = reader.frame(
        "SELECT database || '.' || name AS name FROM system.tables "
        "WHERE database IN %(databases)s AND NOT startsWith(name, '.')",
        {"databases": OWN_DATABASES},
    )
    unwritten = {"raw.schema_version", "ml.engagement_weight", "ml.free_mail_domain"}
    assert set(held["name"]) == {row_type.table for row_type in row_types()} | unwritten
