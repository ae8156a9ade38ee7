"""The CRM's export as files, and the settings that tell the platform whose it is."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from simulator.company import History
from simulator.directory import OWN_DOMAIN, Directory

_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"
_MOMENTS: Final = "changed_at"


def write_export(folder: Path, tables: Mapping[str, pd.DataFrame]) -> int:
    """Write each table as `<its name>.csv` in a new folder; return how many records there are.

    Columns are fields of `contracts.crm_rows`; moments are UTC; true and false are in lower case.
    """
    folder.mkdir(parents=True)
    for name, table in tables.items():
        told = table.assign(**{_MOMENTS: pd.to_datetime(table[_MOMENTS]).dt.strftime(_MOMENT)})
        for column in told.columns:
            if told[column].dtype == bool:
                told[column] = told[column].map({True: "true", False: "false"})
        told.to_csv(folder / f"{name}.csv", index=False)
    return sum(map(len, tables.values()))


def write_settings(path: Path, history: History, who: Directory) -> None:
    """Write the `[company]` table of a headwater.toml."""
    scenario = history.scenario
    values = {
        "name": scenario.name,
        "own_domains": [OWN_DOMAIN],
        "own_numbers": list(who.rep_phone),
        "base_currency": scenario.deals.currency,
        "fiscal_first_month": scenario.fiscal_first_month,
        "time_zone": "UTC",
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    path.write_text("\n".join(["[company]", *lines, ""]), encoding="utf-8")
