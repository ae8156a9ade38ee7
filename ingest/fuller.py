"""Of two copies of an activity, the fuller one stands, whichever is heard last."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from contracts.activity import TimeQuality
from contracts.capture import FULLNESS
from contracts.rows import ActivityRow, Row
from warehouse.reader import Reader
from warehouse.writer import Writer

_STORED: Final = """
    SELECT activity_id, captured, time_quality FROM raw.activity FINAL WHERE activity_id IN %(ids)s
"""
_LEAST: Final = min(FULLNESS.values()) - 1
_FULL: Final = FULLNESS["full"]


class FullerFirst:
    """Writes as a writer does, but never less of an activity over more of it.

    What a calendar alone tells of a meeting is less than any report of it.

    Where two workers write copies of one activity within the same moment, the lesser may win; the
    next copy that is heard, or a replay, mends that.
    """

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows; raises as the reader and the writer do."""
        copies = [row for row in rows if isinstance(row, ActivityRow)]
        lesser = {row.activity_id for row in copies if _fullness(row) < _FULL}
        if not lesser:
            self._writer.write(rows)
            return
        most = self._stored(lesser)
        for row in copies:
            most[row.activity_id] = max(_fullness(row), most.get(row.activity_id, _LEAST))
        self._writer.write([row for row in rows if _stands(row, most)])

    def _stored(self, ids: Iterable[UUID]) -> dict[UUID, int]:
        frame = self._reader.frame(_STORED, {"ids": tuple(ids)})
        return {
            activity_id: _LEAST if quality == TimeQuality.SCHEDULED else FULLNESS[captured]
            for activity_id, captured, quality in frame.itertuples(index=False)
        }


def _stands(row: Row, most: dict[UUID, int]) -> bool:
    return not isinstance(row, ActivityRow) or _fullness(row) >= most[row.activity_id]


def _fullness(row: ActivityRow) -> int:
    return _LEAST if row.time_quality == TimeQuality.SCHEDULED else FULLNESS[row.captured]
