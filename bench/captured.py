"""A simulated company in the messages form as capture hears it, beside its sealed answer."""

import json
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import pandas as pd

from contracts.company import Company
from contracts.rows import ActivityRow, Row
from contracts.wire import Event
from ingest.source import Heard, Source
from ingest.sources.calls import CallLogSource
from ingest.sources.crm_csv import CrmCsvSource
from ingest.sources.maildir import MaildirSource
from simulator.seal import SEALED
from transforms.calls import decode_call
from transforms.rows import to_rows

_Row = TypeVar("_Row", bound=Row)


class Truth(NamedTuple):
    """What is true of a message; empty ids where there is none."""

    kind: str
    account_id: str
    contact_id: str
    opportunity_id: str


class Captured:
    """The rows that a company's folder becomes through the doors, and the truth of each activity.

    Attributes:
        activities: each once.
    """

    def __init__(self, folder: Path, now: datetime) -> None:
        settings = tomllib.loads((folder / "headwater.toml").read_text())
        self.company = Company(**settings["company"])
        self._now = now
        calls = CallLogSource(folder / "calls.jsonl")
        sources = (MaildirSource(folder / "mail"), calls, CrmCsvSource(folder / "crm"))
        self._rows = [row for source in sources for row in self._heard(source)]
        self.activities = [*{row.activity_id: row for row in self.of(ActivityRow)}.values()]
        sealed = pd.read_parquet(folder / SEALED / "messages.parquet").astype(str)
        told = zip(sealed["name"], sealed[[*Truth._fields]].itertuples(index=False), strict=True)
        self._truth = {name: Truth(*values) for name, values in told}
        self._calls = dict(self._named(folder / "calls.jsonl"))

    def of(self, row_type: type[_Row]) -> list[_Row]:
        """Return the rows of a type."""
        return [row for row in self._rows if isinstance(row, row_type)]

    def truth_of(self, activity: ActivityRow) -> Truth:
        """Return what is true of an activity."""
        return self._truth[activity.message_id or self._calls[activity.activity_id]]

    def _heard(self, source: Source) -> Iterator[Row]:
        for heard in source.read(""):
            if isinstance(heard, Heard):
                event = Event(
                    kind=source.kind,
                    source=source.name,
                    ingest_run="run",
                    received_at=self._now,
                    **heard._asdict(),
                )
                yield from to_rows(event, self.company)

    def _named(self, path: Path) -> Iterator[tuple[object, str]]:
        """Yield the activity of each call and meeting, and its name in the sealed answer."""
        for line in path.read_bytes().splitlines():
            call = json.loads(line)
            activity = decode_call(line, self._now, self.company)
            yield activity.activity_id, f"{call['provider']}/{call['call_id']}"
