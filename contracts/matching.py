"""How activities are matched: what a person may set (`[matching]`), and what "certain" means."""

from hashlib import sha256
from typing import Final, Literal

from pydantic import BaseModel, Field

Tiebreaker = Literal["owner", "open_deal", "parent_account"]

CERTAIN: Final = 18.0
"""The margin from which a match is certain: none of those measured was wrong (docs/matching.md)."""
PERSON_POINTS: Final = 40.0
"""What a person's choice is worth to the replies that inherit it."""


class MatchRules(BaseModel, frozen=True, extra="forbid"):
    """The rules of matching that a company may change; the ladder's order is the code's.

    Attributes:
        lead: whether a lead's address tells of the account that its company is, or became.
        domain: whether an account is found by the domain of an address.
        parent_domain: whether also by a domain above it, such as `acme.com` for `mail.acme.com`.
        signature: whether a number is taken for its only signer's.
        thread: whether a reply belongs where the mail belongs that it answers.
        partner_filter: whether partners give way to those who buy.
        tiebreakers: what decides between several accounts, one after the other; what is left
            undecided is skipped.
        grace_days: for how long before and after its life a deal may still be meant.
        max_deals: how many deals an activity is attached to at most.
        primary_margin: by how many points one of them must lead to be the primary one.
    """

    lead: bool = True
    domain: bool = True
    parent_domain: bool = True
    signature: bool = True
    thread: bool = True
    partner_filter: bool = True
    tiebreakers: tuple[Tiebreaker, ...] = ("owner", "open_deal")
    grace_days: int = Field(default=14, ge=0, le=365)
    max_deals: int = Field(default=5, ge=0, le=20)
    primary_margin: float = Field(default=8.0, ge=0, le=100)

    @property
    def fingerprint(self) -> str:
        """What tells one set of rules from another: eight hexadecimal digits."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:8]
