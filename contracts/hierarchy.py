"""Who belonged where on a day: credit goes to the owner at close.

Both questions can be asked of the same assignments: "as it was" passes the day of the event, "as
it is now" passes today.
"""

from collections.abc import Iterable
from datetime import date

from contracts.crm_rows import AssignmentRow
from contracts.errors import UserError


def parent_on(
    assignments: Iterable[AssignmentRow], child_id: str, parent_kind: str, day: date
) -> str | None:
    """Return the parent of one kind that a child had on a day; None where it had none.

    Assignments that the CRM has deleted do not count.

    Raises:
        UserError: if two assignments of that kind overlap on that day.
    """
    parents = {
        a.parent_id
        for a in assignments
        if a.child_id == child_id and a.parent_kind == parent_kind and _covers(a, day)
    }
    if len(parents) > 1:
        raise UserError(
            f"{child_id} has {len(parents)} parents of kind {parent_kind} on {day} "
            f"({', '.join(sorted(parents))}): end one assignment before the other begins"
        )
    return parents.pop() if parents else None


def _covers(assignment: AssignmentRow, day: date) -> bool:
    ends_on = assignment.effective_to
    started = assignment.effective_from <= day
    return started and (ends_on is None or day < ends_on) and not assignment.is_deleted
