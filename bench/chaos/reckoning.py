"""Holds what the warehouse has against what was sent."""

from base64 import b64decode
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.chaos.load import Journal, account_of, is_poison, names_sent
from contracts.rows import ENGAGEMENT_WEIGHTS
from settings import Settings
from warehouse.reader import Reader

_STORED = """
    SELECT external_id AS name FROM raw.sighting FINAL
    WHERE ingest_run = 'chaos' AND activity_id IN (SELECT activity_id FROM raw.activity)
"""
_DEAD = "SELECT DISTINCT is_event, external_id, event_base64 FROM raw.dead_letter FINAL"
_LIVE = "SELECT account_id, count() AS n FROM live.activity GROUP BY account_id"
_SCORED = """
    SELECT account_id, activity_count AS n
    FROM live.engagement(as_of = %(now)s, weights_version = %(version)s)
"""


@dataclass(frozen=True)
class Reckoning:
    """What became of the load.

    Attributes:
        sent: mails that the log acknowledged to their sender.
        lost: of those, neither stored nor among the dead letters.
        repeated: activities beyond the first of one mail.
        dead_lettered: mails among the dead letters.
        misjudged: mails stored although nobody can understand them, or dead although anybody can.
        live_differs: accounts whose live count is not that of a recount of the stored mails.
    """

    sent: int
    lost: int
    repeated: int
    dead_lettered: int
    misjudged: int
    live_differs: int

    @property
    def is_clean(self) -> bool:
        """Whether everything is where it belongs, once."""
        return not (self.lost or self.repeated or self.misjudged or self.live_differs)


def reckon(settings: Settings, folder: Path, now: datetime) -> Reckoning:
    """Count everything, from the rows themselves."""
    reader = Reader(settings.warehouse_url)
    sent = names_sent(Journal(folder).pieces())
    stored = set(reader.frame(_STORED)["name"])
    dead = set(map(_name, reader.frame(_DEAD).itertuples(index=False)))
    activities = int(reader.value("SELECT count() FROM raw.activity FINAL"))
    mails = int(reader.value("SELECT uniqExact(message_id) FROM raw.activity"))
    recount = Counter(map(account_of, map(int, stored)))
    scored = {"now": now, "version": ENGAGEMENT_WEIGHTS}
    differing = [
        account
        for live in (_counts(reader, _LIVE), _counts(reader, _SCORED, scored))
        for account in recount.keys() | live.keys()
        if recount[account] != live.get(account, 0)
    ]
    reader.close()
    return Reckoning(
        sent=len(sent),
        lost=len(sent - stored - dead),
        repeated=activities - mails,
        dead_lettered=len(dead),
        misjudged=sum(map(is_poison, stored)) + sum(not is_poison(name) for name in dead),
        live_differs=len(set(differing)),
    )


def _name(dead: Any) -> str:  # noqa: ANN401 a row of a frame
    """Return the name of a mail that was given up; a message nobody could decode is its bytes."""
    return dead.external_id if dead.is_event else b64decode(dead.event_base64).decode()


def _counts(reader: Reader, sql: str, params: dict[str, Any] | None = None) -> dict[str, int]:
    counted = reader.frame(sql, params)
    return dict(zip(counted["account_id"], counted["n"].astype(int), strict=True))
