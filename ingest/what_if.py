"""What a change of the rules would do to the stored activities, before and when it is done."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.rows import MatchRow
from ingest.stored import Stored
from warehouse.writer import Writer

_PAGE: Final = 10_000


@dataclass
class Difference:
    """How decisions would differ: `gained` (from nobody), `lost` (to nobody), `moved`, `same`.

    Attributes:
        accounts, opportunities: activities by what becomes of them.
        by_rule: of the activities whose account changes, by old rule and new.
        samples: the first that change, with both answers and reasons.
    """

    activities: int = 0
    accounts: Counter[str] = field(default_factory=Counter)
    opportunities: Counter[str] = field(default_factory=Counter)
    by_rule: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        counts = {name: dict(getattr(self, name)) for name in ("accounts", "opportunities")}
        rules = dict(self.by_rule)
        return {"activities": self.activities, **counts, "by_rule": rules, "samples": self.samples}


def compare(pairs: Iterable[tuple[Stored, MatchRow]], samples: int) -> Difference:
    """Return how the decisions would differ from those that stand."""
    difference = Difference()
    for stands, would in pairs:
        account = _fate(stands.account_id, would.account_id)
        deal = _fate(stands.opportunity_id, would.opportunity_id)
        difference.activities += 1
        difference.accounts[account] += 1
        difference.opportunities[deal] += 1
        if account != "same":
            difference.by_rule[f"{stands.rule or 'undecided'} -> {would.rule}"] += 1
        if {account, deal} != {"same"} and len(difference.samples) < samples:
            difference.samples.append(_sample(stands, would))
    return difference


def apply(pairs: Iterable[tuple[Stored, MatchRow]], writer: Writer) -> int:
    """Write the decisions that differ; return how many. Raises as the writer does."""
    changed = 0
    page: list[MatchRow] = []
    for row in _new(pairs):
        page.append(row)
        changed += 1
        if len(page) == _PAGE:
            writer.write(page)
            page = []
    writer.write(page)
    return changed


def _new(pairs: Iterable[tuple[Stored, MatchRow]]) -> Iterator[MatchRow]:
    return (would for stands, would in pairs if not stands.says_the_same(would))


def _fate(before: str, after: str) -> str:
    if before == after:
        return "same"
    return "moved" if before and after else "gained" if after else "lost"


def _sample(stands: Stored, would: MatchRow) -> dict[str, str]:
    return {
        "activity_id": str(stands.activity_id),
        "event_time": stands.event_time.isoformat(),
        "account": f"{stands.account_id or '-'} -> {would.account_id or '-'}",
        "opportunity": f"{stands.opportunity_id or '-'} -> {would.opportunity_id or '-'}",
        "because": would.reason,
        "about": would.opportunity_reason,
    }
