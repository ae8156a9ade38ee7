"""The company that this deployment serves, as its settings describe it."""

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, Field, NonNegativeInt
from typing_extensions import override

from contracts.investments import KINDS

DEFAULT_SUBJECT_WORDS: Final = (
    "401k",
    "confidential",
    "interview",
    "offer letter",
    "private",
    "privileged",
    "sensitive",
)


DEFAULT_LABELS: Final = ("company-confidential", "personal", "private")
"""The sensitivities of RFC 2156: whoever sets one means it."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone such as Europe/Berlin") from error
    return name


def _known_kinds(amounts: Mapping[str, int]) -> Mapping[str, int]:
    for name in amounts:
        if name not in KINDS:
            near = get_close_matches(name, KINDS, 1, 0.4)
            said = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(KINDS)}"
            raise ValueError(f"{name!r} is not a kind of investment: {said}")
    return amounts


def _known_months(amounts: Mapping[str, int]) -> Mapping[str, int]:
    for name in amounts:
        month_of(name)
    return amounts


def month_of(name: str) -> date:
    """Return the first day of a month such as `2026-12`; raises ValueError."""
    try:
        return date.fromisoformat(f"{name}-01")
    except ValueError as error:
        raise ValueError(f"{name!r} is not a month such as 2026-12") from error


_ByKind = Annotated[Mapping[str, NonNegativeInt], AfterValidator(_known_kinds)]
_ByMonth = Annotated[Mapping[str, NonNegativeInt], AfterValidator(_known_months)]


class Company(BaseModel, frozen=True, extra="forbid"):
    """What tells ours from theirs, and what must not be kept.

    Attributes:
        own_domains: mail domains of the company: they tell inbound from outbound.
        own_addresses: addresses of colleagues elsewhere, their private ones.
        own_numbers: the company's phone numbers, E.164.
        phone_region: ISO 3166 country in which a number without a prefix is read.
        excluded_addresses: mail that touches one of them is not kept; `*` is a wildcard.
        excluded_domains: likewise, by domain.
        excluded_labels: a mail that carries one is not kept: sensitivity, keyword, Gmail label.
        excluded_subject_words: a mail whose subject holds one as a word is not kept.
        plan_budget: what the next plan may spend, in major units of the base currency.
        plan_kind_floors, plan_kind_caps: the least and the most for a kind of investment, likewise.
        plan_month_budgets: the most that what starts in a month (`2026-12`) may cost, likewise.
        plan_discount_rate: what money a year later is worth less, for present values.
    """

    name: str = "My company"
    own_domains: tuple[str, ...] = ()
    own_addresses: tuple[str, ...] = ()
    own_numbers: tuple[str, ...] = ()
    phone_region: str = Field(default="US", pattern="^[A-Z]{2}$")
    base_currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    fiscal_first_month: int = Field(default=1, ge=1, le=12)
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    excluded_addresses: tuple[str, ...] = ()
    excluded_domains: tuple[str, ...] = ()
    excluded_subject_words: tuple[str, ...] = DEFAULT_SUBJECT_WORDS
    excluded_labels: tuple[str, ...] = DEFAULT_LABELS
    plan_budget: int = Field(default=200_000, gt=0)
    plan_kind_floors: _ByKind = Field(default_factory=dict)
    plan_kind_caps: _ByKind = Field(default_factory=dict)
    plan_month_budgets: _ByMonth = Field(default_factory=dict)
    plan_discount_rate: float = Field(default=0.1, ge=0, le=1)

    @override
    def __hash__(self) -> int:
        """Return a number from what tells ours from theirs: what is told of mail is kept by it."""
        return hash((self.own_domains, self.own_addresses, self.own_numbers, self.phone_region))
