"""The plan in HTML: what an allocation brings and costs, and each forecast in words and figures."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

import pandas as pd

from contracts.plan_rows import AllocationRow, AllocationTotalRow, InvestmentForecastRow
from dashboard import blocks, plan_charts
from dashboard.format import known, money, money_between, number, percent, percent_between
from dashboard.verdicts import VERDICTS

KEPT: Final = "Kept: nothing that fits earns its money back"
UNITS: Final = {
    "training": ("person", "people"),
    "tool": ("licence", "licences"),
    "headcount": ("hire", "hires"),
    "spif": ("person", "people"),
}
_DOT: Final = " \N{MIDDLE DOT} "


def counters(total: AllocationTotalRow) -> Iterator[blocks.Figure]:
    """Yield what the allocation brings, how sure that is, and what simpler splits would bring."""
    currency = total.currency
    between = money_between(total.net_low, total.net_high, currency)
    yield blocks.Figure(
        "Expected net return", money(total.net, currency, signed=True), f"95% interval: {between}"
    )
    kept = total.budget_minor - total.spend_minor
    rest = f"{money(kept, currency)} kept" if kept > _kept(total) else "all of the budget"
    yield blocks.Figure("Spent", money(total.spend_minor, currency), rest)
    yield blocks.Figure(
        "Chance of a loss",
        percent(total.loss_probability),
        "that the margin stays below the spend",
    )
    worst = "gain" if total.tail_loss < 0 else "loss"
    yield blocks.Figure(
        "In the worst tenth",
        money(abs(total.tail_loss), currency),
        f"mean {worst} of the tenth of what may be that is worst",
    )
    equal = money(total.equal_split_net, currency, signed=True)
    rated = money(total.pro_rata_net, currency, signed=True)
    yield blocks.Figure("Equal split", equal, f"pro-rata: {rated}")


def allocation_table(parts: Sequence[AllocationRow], total: AllocationTotalRow) -> str:
    """Return who gets what, when, and what it is expected to bring; the lines sum to the total."""
    currency = total.currency
    lines = "".join(_part(part, currency) for part in parts)
    kept = total.budget_minor - total.spend_minor
    if kept > _kept(total):
        lines += f"<tr><td>{KEPT}</td><td>{money(kept, currency)}</td><td></td></tr>"
    margin = sum(part.margin for part in parts)
    return (
        '<div class="hw hw-wide"><table class="hw-table"><thead><tr><th>On</th><th>Spend</th>'
        f"<th>Expected margin</th></tr></thead><tbody>{lines}</tbody><tfoot><tr><td>Net "
        f"{money(total.net, currency, signed=True)}</td><td>{money(total.spend_minor, currency)}"
        f"</td><td>{money(margin, currency)}</td></tr></tfoot></table></div>"
    )


def prices(total: AllocationTotalRow) -> str:
    """Return what each rule that binds costs."""
    if not total.is_asked:
        return blocks.note("What each rule costs is told for the budget that was asked about.")
    priced = list(zip(total.rule, total.price, strict=True))
    rules = [(rule, gain) for rule, gain in priced if not rule.startswith("the budget")]
    more = next((gain for rule, gain in priced if rule.startswith("the budget")), 0.0)
    next_money = (
        f"A little more budget would bring {number(more, 2)} {total.currency} for each "
        f"{total.currency}, net and weighed by risk."
        if more
        else "More budget would bring nothing: it would be kept."
    )
    told = [
        (f"The {rule}", money(gain, total.currency), "more without it, weighed by risk")
        for rule, gain in rules
    ]
    cost = blocks.caption("What the rules cost") + blocks.facts(told) if told else ""
    return cost + blocks.note(next_money)


def why_table(parts: pd.DataFrame, row: InvestmentForecastRow) -> str:
    """Return a forecast's parts as a table whose last line is their sum."""
    lines = "".join(
        f"<tr><td>{escape(part['label'])}<small>{escape(part['note'])}</small></td>"
        f"<td>{money(part['value'], row.currency, signed=True)}</td></tr>"
        for part in parts.to_dict("records")
    )
    total = money(float(parts["value"].sum()), row.currency, signed=True)
    return (
        '<table class="hw hw-table"><thead><tr><th>Part</th><th>Adds</th></tr></thead>'
        f"<tbody>{lines}</tbody><tfoot><tr><td>Expected net margin</td><td>{total}</td></tr>"
        "</tfoot></table>"
    )


def forecast_card(row: InvestmentForecastRow) -> str:
    """Return one forecast in words and figures."""
    look = plan_charts.look_of(row.verdict)
    label = f"{VERDICTS[look].glyph} {plan_charts.label_of(row.verdict)}"
    units = counted(row.units, row.kind)
    about = _DOT.join(
        (row.kind, money(row.spend_minor, row.currency), units, f"from {row.starts_on:%B %Y}")
    )
    return (
        f'<div class="hw hw-card hw-forecast"><span class="kind">{escape(about)}</span>'
        f'<h3>{escape(row.name)}</h3><span class="hw-verdict {look}">{label}</span>'
        f'<p class="reason">{escape(row.reason)}</p>{_figures(row)}</div>'
    )


def counted(units: float, kind: str) -> str:
    """Return how many of what is bought: licences, hires, people."""
    one, many = UNITS.get(kind, ("unit", "units"))
    return f"{number(units, 1).removesuffix('.0')} {one if units == 1 else many}"


def _figures(row: InvestmentForecastRow) -> str:
    if not known(row.margin):
        return ""
    pays = "not within the plan" if row.payback_month is None else f"month {row.payback_month}"
    npv = money_between(row.npv_low, row.npv_high, row.currency)
    told = (
        (
            "Margin",
            money(row.margin, row.currency),
            f"95% interval: {money_between(row.margin_low, row.margin_high, row.currency)}",
        ),
        (
            "ROI",
            percent(row.roi, signed=True),
            f"95% interval: {percent_between(row.roi_low, row.roi_high)}",
        ),
        (
            "Present value",
            money(row.npv, row.currency, signed=True),
            f"95% interval: {npv}; {percent(row.discount_rate)} a year",
        ),
        ("Paid back", pays, f"assumed: {row.assumed}"),
    )
    return blocks.facts(told)


def _kept(total: AllocationTotalRow) -> float:
    """Return what is kept at least where anything is: less is rounding."""
    return total.budget_minor / 1_000


def _part(part: AllocationRow, currency: str) -> str:
    is_thing = part.units == 1 and part.kind not in UNITS
    units = "" if is_thing else f", {counted(part.units, part.kind)}"
    between = money_between(part.margin_low, part.margin_high, currency)
    return (
        f"<tr><td>{escape(part.name)}<small>from {part.starts_on:%B %Y}{units}</small></td>"
        f"<td>{money(part.spend_minor, currency)}</td>"
        f"<td>{money(part.margin, currency)}<small>{between}</small></td></tr>"
    )
