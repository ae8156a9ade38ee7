"""Of two copies of an activity, the fuller one stands, whichever is heard last."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from contracts.capture import FULLNESS
from contracts.rows import ActivityRow, Row
from warehouse.reader import Reader
from warehouse.writer import Writer

_STORED: Final = """
    SELECT activity_id, captured FROM raw.activity FINAL WHERE activity_id IN %(ids)s
"""


class FullerFirst:
    """Writes as a writer does, but never less of an activity over more of it.

    Where two workers write copies of one activity within the same moment, the lesser may win; the
    next copy that is heard, or a replay, mends that.
    """

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows; raises as the reader and the writer do."""
        copies = [row for row in rows if isinstance(row, ActivityRow)]
        lesser = {row.activity_id for row in copies if row.captured != "full"}
        if not lesser:
            self._writer.write(rows)
            return
        most = self._stored(lesser)
        for row in copies:
            most[row.activity_id] = max(FULLNESS[row.captured], most.get(row.activity_id, 0))
        self._writer.write([row for row in rows if _stands(row, most)])

    def _stored(self, ids: Iterable[UUID]) -> dict[UUID, int]:
        frame = self._reader.frame(_STORED, {"ids": tuple(ids)})
        return {
            activity_id: FULLNESS[captured]
            for activity_id, captured in frame.itertuples(index=False)
        }


def _stands(row: Row, most: dict[UUID, int]) -> bool:
    return not isinstance(row, ActivityRow) or FULLNESS[row.captured] >= most[row.activity_id]
