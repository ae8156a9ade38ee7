"""Why an activity has the match that it has: read as rows, and as lines for a person."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from contracts.errors import UserError
from contracts.matching import CERTAIN
from contracts.rows import MatchRow
from warehouse.reader import Reader

_FOUND: Final = """
    SELECT
        activity_id, event_time, channel, direction, subject,
        arrayDistinct(arrayFilter(
            (who, is_ours) -> NOT is_ours, participant_address, participant_is_ours)) AS outside,
        arrayDistinct(arrayFilter(
            (who, is_ours) -> is_ours, participant_address, participant_is_ours)) AS ours
    FROM raw.activity FINAL
    WHERE toString(activity_id) = %(asked)s OR message_id = %(asked)s
    LIMIT 6
"""
_DECISIONS: Final = """
    SELECT * FROM raw.match FINAL
    WHERE activity_id = %(activity_id)s
    ORDER BY decided_by != 'rule' DESC, matched_at DESC, decided_by
"""
_CANDIDATES: Final = """
    SELECT * FROM live.match_candidate(activity = %(activity_id)s)
    ORDER BY kind, place
"""
_NAMES: Final = """
    SELECT account_id AS id, name FROM live.account WHERE account_id IN %(ids)s
    UNION ALL
    SELECT opportunity_id, name FROM live.opportunity WHERE opportunity_id IN %(ids)s
"""


def activity(reader: Reader, asked: str) -> dict[str, Any]:
    """Return an activity by its id, or by the Message-ID of a mail.

    Raises:
        UserError: if there is none, or there are several with that Message-ID.
    """
    found = reader.frame(_FOUND, {"asked": asked.strip("<> ").lower()}).to_dict("records")
    if not found:
        raise UserError(
            f"there is no activity {asked!r}: give its id as raw.activity or the dashboard has it, "
            "or the Message-ID of a mail"
        )
    if len(found) > 1:
        ids = ", ".join(str(one["activity_id"]) for one in found)
        raise UserError(f"{asked!r} is the Message-ID of several activities: give one of {ids}")
    return {str(name): value for name, value in found[0].items()}


def explained(reader: Reader, asked: str) -> dict[str, Any]:
    """Return an activity, its decisions (the one that holds first) and the rules' candidates."""
    heard = activity(reader, asked)
    key = {"activity_id": heard["activity_id"]}
    decisions = reader.rows(MatchRow, _DECISIONS, key)
    candidates = reader.frame(_CANDIDATES, key).to_dict("records")
    ids = {one for row in decisions for one in (row.account_id, row.opportunity_id) if one}
    named = reader.frame(_NAMES, {"ids": sorted(ids) or [""]})
    names = dict(zip(named["id"], named["name"], strict=True))
    return {
        "activity": heard,
        "decisions": [_decision(row, names) for row in decisions],
        "candidates": candidates,
    }


def as_json(found: Mapping[str, Any]) -> str:
    """Return the same for machines."""
    return json.dumps(found, default=str)


def render(found: Mapping[str, Any]) -> str:
    """Return the same as lines for a person."""
    heard = found["activity"]
    when = f"{heard['channel']} {heard['direction']}, {heard['event_time']:%Y-%m-%d %H:%M} UTC"
    lines = [
        f"{when}: {heard['subject'] or '(no subject)'}",
        f"{', '.join(heard['outside'])} | {', '.join(heard['ours'])}",
    ]
    if not found["decisions"]:
        return "\n".join([*lines, "not decided yet: the worker decides within seconds"])
    for place, decision in enumerate(found["decisions"]):
        lines += ["", *_told(decision, holds=place == 0)]
    if found["candidates"]:
        lines += ["", f"{'':9}{'points':>7}  candidate, as the rules last weighed them"]
    lines += [
        f"{one['kind']:7}{one['place']:>2}{one['points']:>7.1f}  {one['name']}"
        f"{': ' if one['evidence'] else ''}{one['evidence']}"
        for one in found["candidates"]
    ]
    return "\n".join(lines)


def _decision(row: MatchRow, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "decided_by": row.decided_by,
        "matched_at": row.matched_at,
        "account_id": row.account_id,
        "account_name": names.get(row.account_id, ""),
        "rule": row.rule,
        "reason": row.reason,
        "margin": row.margin,
        "is_certain": row.margin >= CERTAIN,
        "runner_up": row.candidate_account_id[1] if len(row.candidate_account_id) > 1 else "",
        "opportunity_id": row.opportunity_id,
        "opportunity_name": names.get(row.opportunity_id, ""),
        "opportunity_reason": row.opportunity_reason,
        "opportunity_margin": row.opportunity_margin,
        "rule_version": row.rule_version,
        "rules": row.rules,
        "crm_version": row.crm_version,
    }


def _told(decision: Mapping[str, Any], *, holds: bool) -> Iterator[str]:
    by = "the rules" if decision["decided_by"] == "rule" else decision["decided_by"]
    state = "holds" if holds else "before, or overruled"
    yield f"{by}, {decision['matched_at']:%Y-%m-%d %H:%M:%S} UTC ({state})"
    account = decision["account_name"] or decision["account_id"] or "nobody"
    sure = "certain" if decision["is_certain"] else "not certain"
    beside = f", runner-up {decision['runner_up']}" if decision["runner_up"] else ""
    yield f"  account {account}: {decision['reason'] or 'no reason given'}"
    yield f"          rule {decision['rule']}, margin {decision['margin']:.1f} ({sure}){beside}"
    deal = decision["opportunity_name"] or decision["opportunity_id"] or "none"
    about = decision["opportunity_reason"]
    yield f"  deal    {deal}{': ' if about else ''}{about}"
    yield f"          margin {decision['opportunity_margin']:.1f}"
    yield (
        f"  rules   version {decision['rule_version']} {decision['rules']}, CRM as of "
        f"{decision['crm_version']:%Y-%m-%d %H:%M:%S} UTC"
    )
