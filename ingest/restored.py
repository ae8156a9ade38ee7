"""Erases again whom a backup brought back."""

from contextlib import closing
from typing import Final

from contracts.clock import Clock
from contracts.erasure_rows import SuppressionRow
from ingest.erase import Erasure
from ingest.receipt import kept
from settings import Settings, erasure_key
from transforms.erasure import Suppressed
from warehouse.reader import Reader
from warehouse.writer import Writer

_KNOWN: Final = """
    SELECT DISTINCT address FROM
    (
        SELECT arrayJoin(participant_address) AS address FROM raw.activity
        UNION ALL
        SELECT arrayJoin(arrayConcat(emails, phones)) AS address FROM raw.contact
        UNION ALL
        SELECT arrayJoin(arrayConcat(emails, phones)) AS address FROM raw.lead
        UNION ALL
        SELECT email AS address FROM raw.rep
    )
    ORDER BY address
"""


def erase_restored(settings: Settings, clock: Clock) -> int:
    """Erase again whom a backup brought back; return how many people that were.

    A backup may be older than an erasure: the receipts in the home say who is erased, beside the
    suppressions in the warehouse.
    """
    _suppress_by_receipts(settings, clock)
    reader = Reader(settings.warehouse_url)
    try:
        tokens = reader.frame("SELECT token FROM live.suppression")["token"]
        key = erasure_key(settings).get_secret_value().encode()
        suppressed = Suppressed(tokens, key, settings.company.phone_region)
        known = list(reader.frame(_KNOWN)["address"]) if suppressed else []
        back = list(filter(suppressed.token_of, known))
    finally:
        reader.close()
    for address in back:
        with closing(Erasure(settings, address, clock)) as erasure:
            erasure.run("a backup brought it back")
    return len(back)


def _suppress_by_receipts(settings: Settings, clock: Clock) -> None:
    reader, writer = Reader(settings.warehouse_url), Writer(settings.warehouse_url)
    try:
        key = erasure_key(settings).get_secret_value().encode()
        known = set(reader.frame("SELECT DISTINCT token FROM raw.suppression")["token"])
        told = [receipt for receipt in kept(settings.home, key) if receipt.token not in known]
        rows = [
            SuppressionRow(
                token=receipt.token,
                kind=receipt.kind,
                suppressed_at=clock.now(),
                reason="a receipt says so",
            )
            for receipt in told
        ]
        writer.write(rows)
    finally:
        reader.close()
        writer.close()
