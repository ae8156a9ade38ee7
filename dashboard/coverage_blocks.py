"""The capture gap in HTML: shares as bars with what they are shares of, ages, and alarms."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from math import isnan
from typing import Any, Final

import pandas as pd

from dashboard.blocks import note, told
from dashboard.format import age, number, percent, plural

_NAMED: Final = 3
"""How many mailboxes an alarm names; the table below has them all."""

RULES: Final = {
    "thread": "A reply, as its thread",
    "contact": "The address or number of a contact",
    "lead": "The address or number of a lead",
    "domain": "The domain of an account",
    "parent_domain": "A domain above the address's own",
    "signature": "The number in a signature",
    "person": "A person chose it",
    "ambiguous": "Left open: several fit",
    "none": "Left open: nobody is known",
}
"""How a leader knows each rule of matching."""


def gap(found: pd.DataFrame, what: str) -> str:
    """Return teams or accounts as a table: the share of buyers and of activity that is lacked."""
    lines = "".join(
        f"<tr><td><b>{escape(row['name'])}</b></td>"
        f"{_share('Buyers', row['unknown_buyers'], row['active_buyers'])}"
        f"{_share('Activity', row['unknown_activities'], row['activities'])}</tr>"
        for row in found.to_dict("records")
    )
    return (
        f'<div class="hw hw-wide"><table class="hw-table words gap"><thead><tr>'
        f"<th>{escape(what)}</th><th>Buyers the CRM lacks</th><th>Activity the CRM lacks</th>"
        f"</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def decisions(found: pd.DataFrame) -> str:
    """Return how many activities each rule matched, how many certainly, how many with a deal."""
    lines = "".join(
        f"<tr><td>{escape(RULES.get(row['rule'], row['rule']))}</td>"
        f"<td>{number(row['activities'])}</td><td>{number(row['certain'])}</td>"
        f"<td>{number(row['with_deal'])}</td></tr>"
        for row in found.to_dict("records")
    )
    return (
        '<table class="hw hw-table"><thead><tr><th>By what</th><th>Activities</th><th>Certain</th>'
        f"<th>With a deal</th></tr></thead><tbody>{lines}</tbody></table>"
    )


def ages(seen: Mapping[str, Any], now: datetime) -> str:
    """Return how old the mail and the CRM are that the shares are of."""
    mail, crm = (_ago(seen[name], now) for name in ("newest_at", "crm_at"))
    return note(f"Newest activity stored {mail}; newest change of the CRM's contacts heard {crm}.")


def alarm(mailboxes: pd.DataFrame) -> str:
    """Return what is wrong with capture, as it bears on the shares; empty if nothing is."""
    missing, waiting = int(mailboxes["missing"].sum()), mailboxes["state"] == "waiting"
    wrong = []
    if missing:
        lacking = plural(int((mailboxes["missing"] > 0).sum()), "mailbox").replace("xs", "xes")
        wrong.append(f"{plural(missing, 'mail')} of {lacking} did not arrive here")
    if waiting.any():
        names = list(mailboxes.loc[waiting, "observer"].where(lambda n: n != "", "a source"))
        more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
        wrong.append(f"{', '.join(names[:_NAMED] + more)} can't be read")
    if not wrong:
        return ""
    return told("down", "Not all mail is heard", f"{'; '.join(wrong)}. The gap may be larger.")


def _share(label: str, part: float, whole: float) -> str:
    if not whole:
        return f'<td data-label="{label}">none active</td>'
    rate = part / whole
    return (
        f'<td data-label="{label}"><span class="bar"><i style="width:{100 * rate:.0f}%"></i></span>'
        f"{percent(rate)} <small>{number(part)} of {number(whole)}</small></td>"
    )


def _ago(at: Any, now: datetime) -> str:  # noqa: ANN401 a moment, or NaT where there is none
    seconds = (now - at).total_seconds()
    return "never" if isnan(seconds) else f"{age(seconds)} ago"
