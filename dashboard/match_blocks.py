"""Why an activity has its match, in HTML: what was heard from outside is escaped."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from contracts.matching import CERTAIN
from dashboard.blocks import facts, heading
from dashboard.format import moment, number

_ARROW: Final = " \N{RIGHTWARDS ARROW} "


def activity(heard: Mapping[str, Any], zone: ZoneInfo) -> str:
    """Return what was heard: its subject, when, and who with whom."""
    sides = [", ".join(heard["theirs"]), ", ".join(heard["ours"])]
    if heard["direction"] == "outbound":
        sides.reverse()
    when = moment(heard["event_time"], zone)
    who = _ARROW.join(side for side in sides if side)
    beneath = f"{heard['channel'].capitalize()}, {when} \N{MIDDLE DOT} {who}"
    return heading(heard["subject"] or "(no subject)", beneath)


def decision(heard: Mapping[str, Any], zone: ZoneInfo) -> str:
    """Return to whom it belongs and why, by whom it was decided, with which versions."""
    if not heard["decided_by"]:
        return facts([("Belongs to", "not decided yet", "The worker decides within seconds.")])
    account = heard["account_name"] or heard["account_id"] or "nobody"
    deal = heard["opportunity_name"] or heard["opportunity_id"] or "none"
    is_rule = heard["decided_by"] == "rule"
    by = "the rules" if is_rule else f"{heard['decided_by']}, and it stays so"
    versions = f"rules {heard['rule_version']} {heard['rules']}".strip()
    crm = moment(heard["crm_version"], zone)
    return facts(
        [
            ("Belongs to", account, heard["reason"] or "No reason was given."),
            ("Deal", deal, heard["opportunity_reason"]),
            ("Margin", *_margin(heard)),
            ("Decided by", by, f"{moment(heard['matched_at'], zone)}; {versions}, CRM as of {crm}"),
        ]
    )


def candidates(found: pd.DataFrame) -> str:
    """Return the accounts and deals that the rules weighed as a table, best first."""
    lines = "".join(
        f"<tr><td><b>{escape(one['name'])}</b><small>{_place(one)}</small></td>"
        f'<td data-label="Points">{number(one["points"], 1)}</td>'
        f'<td data-label="Why">{escape(one["evidence"])}</td></tr>'
        for one in found.to_dict("records")
    )
    return (
        '<div class="hw hw-wide"><table class="hw-table words"><thead><tr>'
        "<th>What the rules weighed</th><th>Points</th><th>Why</th></tr></thead>"
        f"<tbody>{lines}</tbody></table></div>"
    )


def _margin(heard: Mapping[str, Any]) -> tuple[str, str]:
    if heard["decided_by"] != "rule":
        return "a person's choice", "Replies inherit it."
    if not heard["account_id"]:
        return "none", "Nothing was chosen, so nothing leads."
    sure = "certain" if heard["margin"] >= CERTAIN else "not certain"
    means = f"By so much the account leads the next; {number(CERTAIN)} or more is certain."
    return f"{number(heard['margin'], 1)} points: {sure}", means


def _place(one: Mapping[Any, Any]) -> str:
    place = {1: "first", 2: "runner-up"}.get(one["place"], f"place {one['place']}")
    return f"{one['kind']}, {place}"
