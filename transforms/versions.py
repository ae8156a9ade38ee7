"""The versions of the CRM's records: which there are, and which one stood at a moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from contracts.crm_rows import CrmRow

_Crm = TypeVar("_Crm", bound=CrmRow)


def histories(rows: Iterable[_Crm], key: str) -> dict[str, list[_Crm]]:
    """Return the versions of each record by its id, oldest first; without those now deleted."""
    told: dict[tuple[Any, datetime], _Crm] = {}
    for row in rows:
        told[getattr(row, key), row.knowable_at] = row
    by_id = attrgetter(key)
    ordered = sorted(told.values(), key=lambda row: (by_id(row), row.knowable_at))
    found = {record_id: list(versions) for record_id, versions in groupby(ordered, by_id)}
    return {name: versions for name, versions in found.items() if not versions[-1].is_deleted}


def stood(versions: Sequence[_Crm], at: datetime) -> _Crm:
    """Return the version that stood at a moment; before the first, the first."""
    earlier = [version for version in versions if version.knowable_at <= at]
    return earlier[-1] if earlier else versions[0]
