"""Writes results back to a CRM, and never spoils a field that a person filled in.

Two rules. An *own field*, whose name begins with `headwater_`, is ours and is set whenever it
differs. Any other field is filled only while it is empty in the CRM, as read just before, and only
if nobody changed the record in between. Every field that was looked at is a row of the ledger.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final
from uuid import UUID, uuid5

from activation.target import Answer, Change, CrmTarget, Outcome, Record
from contracts.clock import Clock
from contracts.rows import CrmWriteRow

OWN_PREFIX: Final = "headwater_"
OWN_FIELD: Final = "own_field"
FILL_IF_EMPTY: Final = "fill_if_empty"
_BATCH: Final = 200
_TRIES: Final = 2

Desired = Mapping[str, Mapping[str, str]]
"""The values that the objects should have: object id to field to text."""


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


def plan(desired: Desired, current: Mapping[str, Record]) -> list[Decision]:
    """Decide about every field, in order; pure.

    An object that the CRM does not know is failed, never made.
    """
    return [
        _decide(object_id, field, value, current.get(object_id))
        for object_id, fields in desired.items()
        for field, value in fields.items()
    ]


def write_back(
    target: CrmTarget, object_type: str, desired: Desired, *, run_id: UUID, clock: Clock
) -> Iterator[list[CrmWriteRow]]:
    """Write what is desired, and yield the ledger's rows a batch: keep each before going on.

    A record that a person changes between our read and our write is read and decided again, once.
    Should a crash come between a write and its ledger rows, the next run reads the value back and
    notes it as unchanged: the CRM is never written twice.

    Raises:
        Retryable: the CRM is away; the batches yielded so far stand.
        Fatal: it refuses us.
    """
    remaining = iter(desired.items())
    while batch := dict(islice(remaining, _BATCH)):
        decisions = _carry_out(target, object_type, batch)
        now = clock.now()
        yield [
            CrmWriteRow(
                write_id=uuid5(run_id, f"{object_type}/{decision.object_id}/{decision.field}"),
                run_id=run_id,
                target=target.name,
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


def _carry_out(target: CrmTarget, object_type: str, desired: Desired) -> list[Decision]:
    done: list[Decision] = []
    for attempt in range(1, _TRIES + 1):
        fields = sorted({field for values in desired.values() for field in values})
        current = target.read(object_type, list(desired), fields)
        decisions = plan(desired, current)
        answers = target.write(object_type, _changes(decisions, current))
        conflicts = {i for i, answer in answers.items() if answer.outcome is Outcome.CONFLICT}
        if attempt == _TRIES:
            conflicts = set()
        done += (
            _settled(decision, answers)
            for decision in decisions
            if decision.object_id not in conflicts
        )
        desired = {object_id: desired[object_id] for object_id in conflicts}
        if not desired:
            break
    return done


def _decide(object_id: str, field: str, value: str, record: Record | None) -> Decision:
    if record is None:
        return Decision(object_id, field, "", value, "failed", "the CRM has no such record")
    old = record.values.get(field, "")
    decision = Decision(object_id, field, old, value, "write")
    if old == value:
        return replace(decision, outcome="unchanged")
    if decision.rule == FILL_IF_EMPTY and old:
        return replace(decision, outcome="kept", detail="a person's value stays")
    return decision


def _changes(decisions: Sequence[Decision], current: Mapping[str, Record]) -> list[Change]:
    values: dict[str, dict[str, str]] = {}
    for decision in decisions:
        if decision.outcome == "write":
            values.setdefault(decision.object_id, {})[decision.field] = decision.new_value
    return [Change(i, current[i].version, fields) for i, fields in values.items()]


def _settled(decision: Decision, answers: Mapping[str, Answer]) -> Decision:
    if decision.outcome != "write":
        return decision
    answer = answers.get(decision.object_id, Answer(Outcome.FAILED, "the CRM did not answer"))
    if answer.outcome is Outcome.WRITTEN:
        return replace(decision, outcome="written")
    if answer.outcome is Outcome.CONFLICT:
        return replace(decision, outcome="kept", detail="somebody is changing the record")
    return replace(decision, outcome="failed", detail=answer.detail)
