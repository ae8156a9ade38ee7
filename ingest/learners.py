"""Refuses the attendance of whoever is no rep: it waits as a dead letter until the CRM knows them.

`to_rows` looks nothing up, so this stands behind it: what is refused is told in the account of its
run, and a replay carries it out once the rep has come.
"""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from contracts.crm_rows import AttendanceRow, InvestmentRow, RepRow
from contracts.errors import Rejected
from contracts.rows import Row
from contracts.wire import Event
from warehouse.reader import Reader

UNKNOWN_LEARNER: Final = "unknown_learner"
UNKNOWN_INVESTMENT: Final = "unknown_investment"

_FRESH_SECONDS: Final = 1.0
_EMAILS: Final = "SELECT DISTINCT lower(email) AS email FROM raw.rep WHERE email != ''"
_INVESTMENTS: Final = "SELECT DISTINCT investment_id FROM raw.investment"

ToRows = Callable[[Event], Sequence[Row]]


class Learners:
    """Who is a rep, by every e-mail address that the CRM ever gave them; and which investments."""

    def __init__(self, reader: Reader, to_rows: ToRows) -> None:
        self._reader = reader
        self._to_rows = to_rows
        self._emails: set[str] = set()
        self._investments: set[str] = set()
        self._looked_at = float("-inf")

    def to_rows(self, event: Event) -> Sequence[Row]:
        """Return an event's rows.

        Raises:
            Rejected: what `to_rows` refuses; `unknown_learner`, `unknown_investment`.
            Retryable: the warehouse, which knows the reps, is away.
        """
        rows = self._to_rows(event)
        for row in rows:
            if isinstance(row, RepRow):  # about to be stored, with what comes in the same batch
                self._emails.add(row.email.lower())
            elif isinstance(row, InvestmentRow):
                self._investments.add(row.investment_id)
            elif isinstance(row, AttendanceRow):
                self._refuse_unknown(row)
        return rows

    def _refuse_unknown(self, row: AttendanceRow) -> None:
        if not self._knows(row):
            self._look_again()
        if row.learner_email not in self._emails:
            raise Rejected(
                UNKNOWN_LEARNER,
                f"{row.learner_email}, who completed {row.course or 'a course'} on "
                f"{row.completed_on}, is no rep's e-mail address: bring in reps.csv with it, then "
                f"`headwater replay --reason {UNKNOWN_LEARNER}`",
            )
        if row.investment_id not in self._investments:
            raise Rejected(
                UNKNOWN_INVESTMENT,
                f"the course {row.course!r} belongs to no investment that is registered "
                f"({row.investment_id or 'none is named'}): bring in investments.csv with it, or "
                "name the course in the mapping",
            )

    def _knows(self, row: AttendanceRow) -> bool:
        return row.learner_email in self._emails and row.investment_id in self._investments

    def _look_again(self) -> None:
        if monotonic() - self._looked_at > _FRESH_SECONDS:
            self._emails.update(self._reader.frame(_EMAILS)["email"])
            self._investments.update(self._reader.frame(_INVESTMENTS)["investment_id"])
            self._looked_at = monotonic()
