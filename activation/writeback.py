"""Writes results back to a CRM, and never spoils a field that a person filled in.

Two rules. An *own field*, whose name begins with `headwater_`, is ours and is set whenever it
differs. Any other field is filled once, while it is empty in the CRM, as read just before, and only
if nobody changed the record in between: whoever empties it again wants it empty. Every field that
was looked at is a row of the ledger.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from itertools import islice
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid5

from activation.target import Answer, Change, CrmTarget, Outcome, Record
from contracts.clock import Clock
from contracts.errors import HeadwaterError
from contracts.rows import CrmWriteRow

OWN_PREFIX: Final = "headwater_"
OWN_FIELD: Final = "own_field"
FILL_IF_EMPTY: Final = "fill_if_empty"
_BATCH: Final = 200
_TRIES: Final = 2

Desired = Mapping[str, Mapping[str, str]]
"""The values that the objects should have: object id to field to text."""

Noted = Mapping[tuple[str, str], str]
"""What the ledger last saw of ours in a field: object id and field to text."""

_NOTHING_NOTED: Final[Noted] = MappingProxyType({})


@dataclass(frozen=True)
class Decision:
    """What is to be done about one field of one object.

    Attributes:
        outcome: `write`, `unchanged`, `kept` (a person's value stays) or `failed`.
    """

    object_id: str
    field: str
    old_value: str
    new_value: str
    outcome: str
    detail: str = ""

    @property
    def rule(self) -> str:
        """The rule that decides about this field."""
        return OWN_FIELD if self.field.startswith(OWN_PREFIX) else FILL_IF_EMPTY


def plan(
    desired: Desired, current: Mapping[str, Record], noted: Noted = _NOTHING_NOTED
) -> list[Decision]:
    """Decide about every field, in order; pure.

    An object or a field that the CRM does not know is failed, never made. An own field that holds
    other than was noted is decided as any other, and its detail says so. A field of people in which
    ours was noted, and which is empty now, stays empty.
    """
    return [
        _decide(object_id, field, value, current.get(object_id), noted.get((object_id, field)))
        for object_id, fields in desired.items()
        for field, value in fields.items()
    ]


def write_back(
    target: CrmTarget,
    object_type: str,
    desired: Desired,
    *,
    run_id: UUID,
    clock: Clock,
    noted: Noted = _NOTHING_NOTED,
) -> Iterator[list[CrmWriteRow]]:
    """Write what is desired, and yield the ledger's rows a batch: keep each before going on.

    A record that a person changes between our read and our write is read and decided again, once.
    Should a crash come between a write and its ledger rows, the next run reads the value back and
    notes it as unchanged: the CRM is never written twice.

    What `activation.ledger.noted` returns tells where a person edited an own field, or emptied one
    that we had filled in.

    Raises:
        Retryable: the CRM is away.
        Fatal: it refuses us. With either, what was written until then is yielded first.
    """
    remaining = iter(desired.items())
    while batch := dict(islice(remaining, _BATCH)):
        settled: list[Decision] = []
        try:
            for decision in _carry_out(target, object_type, batch, noted):
                settled.append(decision)  # noqa: PERF402 what comes before an error is kept
        except HeadwaterError:
            yield _rows(settled, target.name, object_type, run_id, clock)
            raise
        yield _rows(settled, target.name, object_type, run_id, clock)


def _rows(
    decisions: Sequence[Decision], target: str, object_type: str, run_id: UUID, clock: Clock
) -> list[CrmWriteRow]:
    now = clock.now()
    return [
        CrmWriteRow(
            # With the time: a run that is taken up again adds to what it noted before.
            write_id=uuid5(run_id, f"{object_type}/{decision.object_id}/{decision.field}/{now}"),
            run_id=run_id,
            target=target,
            object_type=object_type,
            object_id=decision.object_id,
            field=decision.field,
            old_value=decision.old_value,
            new_value=decision.new_value,
            rule=decision.rule,
            outcome=decision.outcome,
            detail=decision.detail,
            written_at=now,
        )
        for decision in decisions
    ]


def _carry_out(
    target: CrmTarget, object_type: str, desired: Desired, noted: Noted, tries: int = _TRIES
) -> Iterator[Decision]:
    """Yield the decisions, each once it is settled; those of a record come together."""
    fields = sorted({field for values in desired.values() for field in values})
    current = target.read(object_type, list(desired), fields)
    undecided: dict[str, list[Decision]] = defaultdict(list)
    for decision in plan(desired, current, noted):
        undecided[decision.object_id].append(decision)
    changes = _changes(undecided, current)
    changing = {change.object_id for change in changes}
    for object_id, decisions in undecided.items():
        if object_id not in changing:
            yield from decisions
    again: dict[str, Mapping[str, str]] = {}
    for object_id, answer in target.write(object_type, changes):
        if answer.outcome is Outcome.CONFLICT and tries > 1:
            again[object_id] = desired[object_id]
        else:
            yield from (_settled(decision, answer) for decision in undecided[object_id])
    if again:
        yield from _carry_out(target, object_type, again, noted, tries - 1)


def _decide(
    object_id: str, field: str, value: str, record: Record | None, noted: str | None
) -> Decision:
    decision = Decision(object_id, field, "", value, "failed")
    if record is None:
        return replace(decision, detail="the CRM has no such record")
    if field not in record.values:
        return replace(decision, detail="the CRM has no such field that may be filled")
    old = record.values[field]
    decision = replace(decision, old_value=old, outcome="write")
    if decision.rule == FILL_IF_EMPTY:
        return _fill(decision, noted)
    if noted is not None and not _same(noted, old):
        decision = replace(decision, detail=f"it is no longer what we last noted, {noted!r}")
    return replace(decision, outcome="unchanged") if _same(old, value) else decision


def _fill(decision: Decision, noted: str | None) -> Decision:
    if decision.old_value == decision.new_value:
        return replace(decision, outcome="unchanged")
    if decision.old_value:
        return replace(decision, outcome="kept", detail="a person's value stays")
    if noted:
        words = f"it held {noted!r}, and somebody emptied it"
        return replace(decision, outcome="kept", detail=words)
    return decision


def _same(one: str, other: str) -> bool:
    """Tell whether two texts say the same: a CRM may show the 42 that we wrote as 42.00."""
    try:
        return one == other or Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False


def _changes(
    undecided: Mapping[str, Sequence[Decision]], current: Mapping[str, Record]
) -> list[Change]:
    wanted = {
        object_id: {d.field: d.new_value for d in decisions if d.outcome == "write"}
        for object_id, decisions in undecided.items()
    }
    return [Change(i, current[i].version, values) for i, values in wanted.items() if values]


def _settled(decision: Decision, answer: Answer) -> Decision:
    if decision.outcome != "write":
        return decision
    if answer.outcome is Outcome.WRITTEN:
        return replace(decision, outcome="written")
    if answer.outcome is Outcome.CONFLICT:
        return replace(decision, outcome="kept", detail="somebody is changing the record")
    return replace(decision, outcome="failed", detail=answer.detail)
