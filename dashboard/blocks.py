"""Pieces of a page in HTML: what was heard from outside is escaped, without exception."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from html import escape
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd

from contracts.errors import HeadwaterError, Retryable
from dashboard.charts import component_colour
from dashboard.format import age, clock, duration, moment, number, plural

Record = Mapping[Any, Any]

QUIET_SECONDS: Final = 15 * 60
"""From this age of the newest activity on, the page no longer calls itself live."""

_NEW: Final = timedelta(seconds=30)
_NO_NUMBERS: Final = (
    "How old the data is can't be told, so no number is shown. This page asks again by itself and "
    "goes on where it was; <code>headwater status</code> tells what runs."
)
_WAYS: Final = {
    "inbound": "\N{LEFTWARDS ARROW} in",
    "outbound": "\N{RIGHTWARDS ARROW} out",
    "internal": "\N{LEFT RIGHT ARROW} internal",
}


class Figure(NamedTuple):
    """A counter: its label, its value, and a line that says what it is out of or leads to."""

    label: str
    value: str
    note: str
    link: str = ""


class Advice(NamedTuple):
    """What to do about an empty place: in words, and as commands to type."""

    what: str
    commands: str = ""


CRM: Final = Advice(
    "Accounts and contacts come from your CRM's export; with them, activities find their account:",
    "headwater ingest crm PATH/TO/EXPORT",
)
MAIL: Final = Advice(
    "Mail, calls and meetings come from what you have; every run ends with an account of every "
    "input:",
    "headwater ingest mbox PATH/TO/ARCHIVE.mbox     # or maildir, eml, imap, calls",
)
NOT_COUNTED: Final = Advice(
    "What counts: mail, calls and meetings of the past year with somebody outside, matched to this "
    "account, and not sent by a machine."
)


def freshness(seen: Record, zone: ZoneInfo) -> str:
    """Return how old the newest activity is, and how long live ones took to be stored lately."""
    looked_at, newest_at = seen["looked_at"], seen["newest_at"]
    aside = _clock_and_zone(looked_at, zone)
    if newest_at is None:
        return _strip("quiet", "\N{WHITE CIRCLE} Nothing stored yet", (), aside)
    seconds = (looked_at - newest_at).total_seconds()
    told = (f"Newest activity stored <b>{age(seconds)} ago</b>", _delays(seen))
    if seconds < QUIET_SECONDS:
        return _strip("live", "\N{BLACK CIRCLE} Live", told, aside)
    silent = (
        "The sources are silent, or the worker is stopped: <code>headwater status</code> tells "
        "which."
    )
    return _strip("quiet", "\N{CIRCLE WITH LEFT HALF BLACK} Quiet", told, aside, (silent,))


def outage(error: HeadwaterError, now: datetime, last: datetime | None, zone: ZoneInfo) -> str:
    """Return that nothing is known for now, since when, why, and what happens next."""
    away = isinstance(error, Retryable)
    state = "The warehouse does not answer" if away else "The warehouse can't be read"
    since = "no answer since this page was opened"
    if last:
        since = f"last answer {age((now - last).total_seconds())} ago, at {clock(last, now, zone)}"
    why = escape(str(error).split(". The statement was:", maxsplit=1)[0])
    below = (_NO_NUMBERS, f"<code>{why}</code>")
    return _strip(
        "down", f"\N{MULTIPLICATION X} {state}", (since,), _clock_and_zone(now, zone), below
    )


def figures(shown: Iterable[Figure]) -> str:
    """Return the counters, side by side."""
    cells = (
        f'<div><dt>{escape(figure.label)}</dt><dd class="value">{escape(figure.value)}</dd>'
        f'<dd class="hw-note">{_linked(figure)}</dd></div>'
        for figure in shown
    )
    return f'<dl class="hw hw-figures">{"".join(cells)}</dl>'


def feed(activities: pd.DataFrame, now: datetime, zone: ZoneInfo) -> str:
    """Return the activities as a list: when, which way, what, who, to whom it belongs and why."""
    items = (_item(row, now, zone) for row in activities.to_dict("records"))
    return (
        f'<ol class="hw hw-feed" tabindex="0" aria-label="Newest activities">{"".join(items)}</ol>'
    )


def parts(components: pd.DataFrame) -> str:
    """Return the components of a score as a table whose last line is their sum."""
    lines = "".join(_part(row) for row in components.to_dict("records"))
    total, most, rows = (components[name].sum() for name in ("points", "weight", "rows"))
    return (
        '<table class="hw hw-table"><thead><tr><th>Reason</th><th>Points</th><th>of at most</th>'
        f"<th>Half-life</th><th>Rows</th></tr></thead><tbody>{lines}</tbody>"
        f"<tfoot><tr><td>Score</td><td>{number(total, 1)}</td><td>{number(most)}</td><td></td>"
        f"<td>{number(rows)}</td></tr></tfoot></table>"
    )


def dead_letters(waiting: pd.DataFrame, now: datetime) -> str:
    """Return the reasons why dead letters wait as a table."""
    lines = "".join(
        f"<tr><td><b>{escape(row['reason'])}</b></td>"
        f'<td data-label="Waiting">{number(row["waiting"])}</td>'
        f'<td data-label="Oldest">{age((now - row["oldest_at"]).total_seconds())}</td>'
        f"<td>{escape(row['newest_detail'])}<small>{escape(row['sources'])}</small></td>"
        f"<td><code>headwater replay --reason {escape(row['reason'])}</code></td></tr>"
        for row in waiting.to_dict("records")
    )
    return (
        '<div class="hw hw-wide"><table class="hw-table words"><thead><tr><th>Reason</th>'
        "<th>Waiting</th><th>Oldest</th><th>What the newest says</th><th>Once it is mended</th>"
        f"</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def heading(title: str, beneath: str = "", anchor: str = "") -> str:
    """Return a section's title with a line beneath."""
    place = f' id="{escape(anchor)}"' if anchor else ""
    line = f'<p class="hw-note">{escape(beneath)}</p>' if beneath else ""
    return f'<div class="hw hw-heading"><h2{place}>{escape(title)}</h2>{line}</div>'


def caption(title: str, beneath: str = "") -> str:
    """Return the title of a chart with a line beneath."""
    line = f'<p class="hw-note">{escape(beneath)}</p>' if beneath else ""
    return f'<div class="hw"><b class="hw-caption">{escape(title)}</b>{line}</div>'


def facts(lines: Iterable[tuple[str, str, str]]) -> str:
    """Return labelled values, each with a line beneath that says what it means."""
    cells = (
        f"<div><dt>{escape(label)}</dt><dd><b>{escape(value)}</b>"
        f"<small>{escape(meaning)}</small></dd></div>"
        for label, value, meaning in lines
    )
    return f'<dl class="hw hw-facts">{"".join(cells)}</dl>'


def note(text: str) -> str:
    """Return a small line that explains what is above it."""
    return f'<p class="hw hw-note">{escape(text)}</p>'


def told(state: str, label: str, what: str) -> str:
    """Return what became of something: `live` for done, `quiet` for waiting, `down` for refused."""
    return _strip(state, escape(label), (escape(what),), "")


def empty(title: str, *advice: Advice) -> str:
    """Return that there is nothing yet, and what to do about it."""
    steps = (
        f"<p>{escape(step.what)}</p>"
        + (f"<pre>{escape(step.commands)}</pre>" * bool(step.commands))
        for step in advice
    )
    return f'<div class="hw hw-empty"><h3>{escape(title)}</h3>{"".join(steps)}</div>'


def _strip(
    state: str, label: str, told: Iterable[str], aside: str, below: Iterable[str] = ()
) -> str:
    spans = "".join(f"<span>{piece}</span>" for piece in told)
    lines = "".join(f"<p>{piece}</p>" for piece in below)
    return (
        f'<div class="hw hw-fresh {state}" role="status"><span class="state">{label}</span>'
        f'{spans}<span class="zone">{aside}</span>{lines}</div>'
    )


def _clock_and_zone(at: datetime, zone: ZoneInfo) -> str:
    return f"as of {at.astimezone(zone):%H:%M:%S} \N{MIDDLE DOT} times in {escape(zone.key)}"


def _delays(seen: Record) -> str:
    way = "received \N{RIGHTWARDS ARROW} stored"
    live, brought_in = seen["live"], seen["brought_in"]
    aside = f", beside {number(brought_in)} brought in" if brought_in else ""
    if not live:
        return f"{way}: nothing live in the last hour{aside}"
    return (
        f"{way}: half within <b>{duration(seen['p50_seconds'])}</b>, "
        f"99 of 100 within <b>{duration(seen['p99_seconds'])}</b> "
        f"({plural(live, 'activity')} live in the last hour{aside})"
    )


def _linked(figure: Figure) -> str:
    text = escape(figure.note)
    return f'<a href="{escape(figure.link)}">{text}</a>' if figure.link else text


def _item(heard: Record, now: datetime, zone: ZoneInfo) -> str:
    at = heard["event_time"]
    new = ' class="new"' if now - heard["ingested_at"] < _NEW else ""
    way = f"{heard['channel'].capitalize()} {_WAYS.get(heard['direction'], '')}"
    return (
        f'<li{new}><div><time datetime="{at.isoformat()}" title="{moment(at, zone)}">'
        f'{clock(at, now, zone)}</time><span class="way">{escape(way)}</span></div>'
        f'<div><div class="head"><span class="subject">{_subject(heard)}</span>{_account(heard)}'
        f'</div><div class="who">{_who(heard)}</div><div class="why">{_why(heard)}</div></div></li>'
    )


def _subject(heard: Record) -> str:
    text = escape(heard["subject"] or "(no subject)")
    lasted = heard["duration_seconds"]
    return f"{text} \N{MIDDLE DOT} {age(lasted)}" if lasted else text


def _account(heard: Record) -> str:
    if not heard["match_rule"]:
        return ""
    if not heard["account_id"]:
        return '<span class="account none">no account</span>'
    return f'<span class="account">{escape(heard["account_name"] or heard["account_id"])}</span>'


def _who(heard: Record) -> str:
    sides = [heard["theirs"], heard["ours"]]
    if heard["direction"] == "outbound":
        sides.reverse()
    arrow = " \N{RIGHTWARDS ARROW} "
    return arrow.join(escape(", ".join(addresses)) for addresses in sides if addresses)


def _why(heard: Record) -> str:
    unsaid = "No reason was given" if heard["match_rule"] else "Not matched yet"
    why = heard["match_reason"] or unsaid
    deal = heard["opportunity_name"] or heard["opportunity_id"]
    told = escape(f"{why} \N{MIDDLE DOT} deal: {deal}" if deal else why)
    link = f"matches?activity={heard['activity_id']}"
    return f'{told} \N{MIDDLE DOT} <a href="{link}" target="_self">change</a>'


def _part(row: Record) -> str:
    return (
        f'<tr><td><i style="background:{component_colour(row["component"])}"></i>'
        f"{escape(row['label'])}</td><td>{number(row['points'], 1)}</td>"
        f"<td>{number(row['weight'])}</td><td>{number(row['half_life_days'])} d</td>"
        f"<td>{number(row['rows'])}</td></tr>"
    )
