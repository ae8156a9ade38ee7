"""What a source that is read whole no longer holds: what its last run did not hear again."""

from datetime import datetime
from typing import Final

from contracts.capture_rows import WithdrawalRow
from contracts.clock import Clock
from warehouse.reader import Reader
from warehouse.writer import Writer

_GONE: Final = """
    SELECT external_id, any(observer) AS observer
    FROM raw.sighting
    LEFT JOIN
    (
        SELECT external_id, max(noticed_at) AS noticed_at
        FROM raw.withdrawal
        WHERE source = %(source)s
        GROUP BY external_id
    ) AS withdrawn USING external_id
    WHERE source = %(source)s AND external_id NOT IN
    (
        SELECT external_id FROM raw.dead_letter
        WHERE source = %(source)s AND ingest_run = %(ingest_run)s
    )
    GROUP BY external_id
    HAVING countIf(ingest_run = %(ingest_run)s) = 0
        AND max(received_at) > max(withdrawn.noticed_at)
        AND max(received_at) < toDateTime64(%(began_at)s, 6, 'UTC')
"""


def withdraw_unheard(
    reader: Reader, writer: Writer, source: str, ingest_run: str, began_at: datetime, clock: Clock
) -> None:
    """Note what was heard of a source before a run that read all of it, and not by that run.

    Call when every event of the run has its outcome. Raises as the reader and the writer do.
    """
    asked = {"source": source, "ingest_run": ingest_run, "began_at": began_at}
    gone = reader.frame(_GONE, asked)
    now = clock.now()
    rows = [
        WithdrawalRow(source=source, external_id=external_id, observer=observer, noticed_at=now)
        for external_id, observer in gone.itertuples(index=False)
    ]
    if rows:
        writer.write(rows)
