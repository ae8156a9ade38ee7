"""How numbers, money and moments are written, with no more digits than they carry."""

from datetime import datetime
from itertools import pairwise
from math import isnan
from typing import Final
from zoneinfo import ZoneInfo

from contracts.money import minor_digits

UNKNOWN: Final = "not known"
MINUS: Final = "\N{MINUS SIGN}"

_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
_WHOLE_FROM: Final = 100
"""Amounts of this many major units and more are written without a fraction."""
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_SMALLEST_P: Final = 0.001


def known(value: float | None) -> bool:
    """Tell whether a value is there: neither None nor NaN."""
    return value is not None and not isnan(value)


def number(value: float, digits: int = 0, *, signed: bool = False) -> str:
    """Return a number with thousands separators and a true minus sign; never a signed zero."""
    text = f"{abs(value):,.{digits}f}"
    if not text.strip("0.,"):
        return text
    plus = "+" if signed else ""
    return f"{MINUS if value < 0 else plus}{text}"


def money(minor: float | None, currency: str, *, signed: bool = False) -> str:
    """Return an amount of minor units such as `€1,834`, `$12.50` or `CHF 940`."""
    if minor is None or isnan(minor):
        return UNKNOWN
    major = minor / 10 ** minor_digits(currency)
    digits = 0 if abs(major) >= _WHOLE_FROM else minor_digits(currency)
    text = number(major, digits, signed=signed)
    sign = text[0] if text[0] in {MINUS, "+"} else ""
    return f"{sign}{_SYMBOLS.get(currency, f'{currency} ')}{text.removeprefix(sign)}"


def percent(rate: float | None, *, signed: bool = False) -> str:
    """Return a rate (0 to 1) as a percentage: `84%`, `3.4%`, `<0.1%`."""
    if rate is None or isnan(rate):
        return UNKNOWN
    share = abs(rate) * 100
    if 0 < share < 0.05:  # noqa: PLR2004 what would round to 0.0
        return "<0.1%"
    return f"{number(rate * 100, 1 if 0 < share < 9.95 else 0, signed=signed)}%"  # noqa: PLR2004


def money_between(low: float | None, high: float | None, currency: str) -> str:
    """Return an interval of money; empty where there is none."""
    if not (known(low) and known(high)):
        return ""
    return f"{money(low, currency)} to {money(high, currency)}"


def percent_between(low: float | None, high: float | None) -> str:
    """Return an interval of rates; empty where there is none."""
    if not (known(low) and known(high)):
        return ""
    return f"{percent(low, signed=True)} to {percent(high, signed=True)}"


def p_value(value: float | None) -> str:
    """Return a p-value: `p = 0.41`, `p < 0.001`."""
    if value is None or isnan(value):
        return f"p {UNKNOWN}"
    if value < _SMALLEST_P:
        return f"p < {_SMALLEST_P}"
    return f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"  # noqa: PLR2004


def duration(seconds: float | None) -> str:
    """Return a short duration: `85 ms`, `1.4 s`, then as an age."""
    if seconds is None or isnan(seconds):
        return UNKNOWN
    if abs(seconds) < 0.9995:  # noqa: PLR2004 what would round to 1,000 ms
        return f"{number(seconds * 1_000)} ms"
    return f"{number(seconds, 1)} s" if seconds < 59.95 else age(round(seconds))  # noqa: PLR2004


def age(seconds: float | None) -> str:
    """Return how long ago in its two largest units: `3 s`, `2 min 5 s`, `4 d 3 h`."""
    if seconds is None or isnan(seconds):
        return UNKNOWN
    whole = max(int(seconds), 0)
    for (unit, size), (smaller, smaller_size) in pairwise(_UNITS):
        if whole >= size:
            rest = whole % size // smaller_size
            return f"{whole // size:,} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Return a moment in the company's time zone: `23 Nov 2026, 22:41`."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def clock(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return a time of today, `22:41:05`; else `21 Nov 22:41`, with the year if it is another."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    return f"{local.day} {local:%b %H:%M}" if local.year == today.year else moment(at, zone)


def plural(count: int, thing: str) -> str:
    """Return a count with its thing: `1 activity`, `2 activities`, `3 rows`."""
    return f"1 {thing}" if count == 1 else f"{count:,} {many(thing)}"


def many(thing: str) -> str:
    """Return what several of a thing are called: `activities`, `rows`."""
    return f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
