"""A company as a folder: what anybody may see, and the sealed answer below `sealed/`."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import UserError
from simulator import panel
from simulator.activities import Addresses, TalkTruth, open_activities
from simulator.chance import VERSION
from simulator.company import Progress, live
from simulator.crm import crm_tables
from simulator.export import write_export, write_settings
from simulator.follow import Company, Order, follow
from simulator.messages import Messages
from simulator.seal import SEALED, seal_deals, seal_history
from simulator.stock import StockEngine


def write_company(form: str, order: Order, folder: Path, progress: Progress) -> int:
    """Write a company into a new or empty folder; return its rows.

    `order.until` and `order.mail_months` say what of it the messages form writes.

    The same order gives the same bytes, as long as `chance.VERSION` stays the same.

    Args:
        form: `panel`, `activities` or `messages`.
        order: which company.
        folder: where.
        progress: is told how many months are done, of how many.

    Raises:
        UserError: if there is no such form, or the folder holds something.
    """
    if form not in FORMS:
        raise UserError(f"{form!r} is not a form: it is one of {', '.join(FORMS)}")
    if folder.is_file() or (folder.exists() and any(folder.iterdir())):
        raise UserError(f"{folder} is not empty: name a new folder for the company")
    folder.mkdir(parents=True, exist_ok=True)
    rows = FORMS[form](order, folder, progress)
    told = {"version": VERSION, "form": form, "seed": order.seed, "reps": order.reps}
    told |= {"months": order.months, "first_month": str(order.scenario.first_month)}
    (folder / "company.json").write_text(json.dumps(told, indent=1) + "\n")
    return rows


def _write_panel(order: Order, folder: Path, progress: Progress) -> int:
    """Write bookings by rep and month; return the rows."""
    history = live(order.scenario, order.reps, order.months, order.seed, StockEngine, progress)
    months = panel.unit_months(history)
    months.to_parquet(folder / "panel.parquet", index=False)
    panel.exposures(history).to_parquet(folder / "exposures.parquet", index=False)
    panel.costs(history).to_parquet(folder / "costs.parquet", index=False)
    seal_history(folder / SEALED, history)
    return len(months)


def _write_activities(order: Order, folder: Path, progress: Progress) -> int:
    """Write activities without mail, and the CRM's export; return the activities."""
    company = follow(order)
    write_records(company, folder)
    addresses = Addresses(company.who)
    known = TalkTruth(company.history, company.timeline, company.who)
    sealed = folder / SEALED / "activities.parquet"
    with _Table(folder / "activities.parquet") as seen, _Table(sealed) as hidden:
        for said in company.talk(progress):
            seen.write(open_activities(said, addresses))
            hidden.write(known.of(said))
        return seen.rows


def _write_messages(order: Order, folder: Path, progress: Progress) -> int:
    """Write mail, calls and the CRM's export; return the messages."""
    company = follow(order)
    write_records(company, folder, order.until)
    messages = Messages(company, folder)
    first = order.months - (order.mail_months or order.months)
    with (
        _Table(folder / SEALED / "messages.parquet") as hidden,
        (folder / "calls.jsonl").open("w", encoding="utf-8") as calls,
    ):
        for month, said in enumerate(company.talk(progress)):
            if month >= first:
                hidden.write(messages.write(_until(said, "at", order.until), calls))
        return hidden.rows


def write_records(company: Company, folder: Path, until: datetime | None = None) -> None:
    """Write the CRM's export, the settings, and the sealed truth of returns, people and deals."""
    history = company.history
    tables = crm_tables(
        history, company.timeline, company.offers, company.who, company.office, company.chance
    )
    told = {name: _until(table, "changed_at", until) for name, table in tables.items()}
    write_export(folder / "crm", told)
    write_settings(folder / "headwater.toml", history, company.who)
    seal_history(folder / SEALED, history)
    seal_deals(folder / SEALED, company)


def _until(table: pd.DataFrame, column: str, until: datetime | None) -> pd.DataFrame:
    """Return what had happened by a moment; everything if there is none."""
    if until is None:
        return table
    happened = pd.to_datetime(table[column], utc=True) < until
    return table[happened].reset_index(drop=True)


class _Table:
    """A Parquet file that is written piece by piece."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None
        self.rows = 0

    def __enter__(self) -> "_Table":
        return self

    def write(self, piece: pa.Table) -> None:
        """Append the rows of a piece; the first decides the columns."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, piece.schema, compression="zstd")
        self._writer.write_table(piece)
        self.rows += piece.num_rows

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()


FORMS: Final[Mapping[str, Callable[[Order, Path, Progress], int]]] = {
    "panel": _write_panel,
    "activities": _write_activities,
    "messages": _write_messages,
}
"""How each form is written."""
