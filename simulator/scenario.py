"""The definition of a company: every knob, its default and its meaning.

All three forms (panel, activities, messages) are made from one `Scenario`. Shares and chances run
0 to 1; what is called `_log` or enters a hazard adds up on the logarithmic scale; money is in
major units of the currency.
"""

from datetime import date
from typing import Annotated, Final, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Month = Annotated[int, msgspec.Meta(ge=0)]

Kind = Literal["training", "tool", "headcount", "campaign", "event", "spif", "content"]

RAMP_MONTHS: Final[dict[str, int]] = {"training": 3, "headcount": 6}
"""Months until an investment has its full effect; 1 for the kinds that are not named."""


class Knobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of knobs."""


class People(Knobs, frozen=True, kw_only=True):
    """Who sells.

    Attributes:
        team_size, teams_in_region: how seats are grouped.
        proxy_noise: sd of what the observed proxy of skill adds to it; skill itself has sd 1.
        ramp_months: a newcomer's capacity climbs from `ramp_from` to 1 within them.
        tenure_months: mean tenure of those who are there at the beginning.
        attrition_rate: chance that somebody leaves in a month.
        attrition_on_results: how much likelier at one sd of recent results less, on the log scale.
        reorganised_share: of the seats, which change their team at each fiscal year.
        shock_sd, shock_persistence: a seat's own good and bad times, on the log scale: AR(1).
    """

    team_size: Count = 8
    teams_in_region: Count = 4
    proxy_noise: NotNegative = 0.5
    ramp_months: Count = 6
    ramp_from: Share = 0.3
    tenure_months: Positive = 30.0
    attrition_rate: Share = 0.012
    attrition_on_results: float = 0.6
    reorganised_share: Share = 0.05
    shock_sd: NotNegative = 0.12
    shock_persistence: Share = 0.6


class Market(Knobs, frozen=True, kw_only=True):
    """Where leads come from.

    Attributes:
        accounts_per_rep: in a territory; potential and size differ by `potential_sigma` and
            `size_sigma` (log scale).
        leads_per_month: of a territory of mean potential; what is opened follows leads and the
            rep's `capacity_per_month`, whichever is scarcer.
        growth_log: a month.
        season: a factor on leads for January to December.
        shock_sd, shock_persistence: what all share, on the log scale: AR(1).
        team_shock_sd: what a team shares in a month.
        trend_by_skill: log growth a month by which a rep of one sd more skill pulls away: unequal
            trends.
    """

    accounts_per_rep: Count = 25
    potential_sigma: NotNegative = 0.8
    size_sigma: NotNegative = 0.5
    leads_per_month: Positive = 5.0
    capacity_per_month: Positive = 6.0
    growth_log: float = 0.004
    season: Annotated[tuple[Positive, ...], msgspec.Meta(min_length=12, max_length=12)] = (
        0.95, 1.0, 1.08, 1.0, 1.02, 1.05, 0.92, 0.85, 1.06, 1.06, 1.04, 0.97,
    )  # fmt: skip
    shock_sd: NotNegative = 0.06
    shock_persistence: Share = 0.7
    team_shock_sd: NotNegative = 0.04
    trend_by_skill: float = 0.0


class Product(Knobs, frozen=True, kw_only=True):
    """What is sold: its share of the deals, and its price in multiples of `typical_deal`."""

    name: str
    share: Share
    price: Positive


class Deals(Knobs, frozen=True, kw_only=True):
    """How deals end: monthly odds of a win and of a loss against staying open.

    Attributes:
        win_odds, loss_odds: of a mean deal in a mean month.
        first_month_pace: a deal's first month, of which it lives half, in a full month's odds.
        skill_win, fit_win, engagement_win: log odds of a win for one sd more; `_loss` of a loss.
        quarter_end_log: how much faster deals end in the last month of a fiscal quarter; the two
            other months are slower by half of it.
        typical_deal: the median amount at list price 1; amounts vary by `amount_sigma` (log).
    """

    win_odds: Positive = 0.30
    loss_odds: Positive = 0.26
    first_month_pace: Positive = 0.3
    skill_win: float = 0.25
    skill_loss: float = -0.1
    fit_win: float = 0.5
    fit_loss: float = -0.3
    engagement_win: float = 0.6
    engagement_loss: float = -0.5
    quarter_end_log: float = 0.35
    typical_deal: Positive = 18_000.0
    amount_sigma: NotNegative = 0.6
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "USD"
    products: Annotated[tuple[Product, ...], msgspec.Meta(min_length=1)] = (
        Product(name="Starter", share=0.5, price=0.6),
        Product(name="Professional", share=0.38, price=1.2),
        Product(name="Enterprise", share=0.12, price=3.5),
    )


class Engagement(Knobs, frozen=True, kw_only=True):
    """A deal's latent engagement: a Markov chain in place of a stationary AR(1) with sd 1.

    Attributes:
        persistence: its correlation from month to month.
        at_first: its mean when a deal is opened, in sd.
    """

    persistence: Share = 0.75
    at_first: float = 0.0


class Talk(Knobs, frozen=True, kw_only=True):
    """How people speak: conversations, calls and meetings that arise from engagement.

    Attributes:
        threads_per_month, calls_per_month, meetings_per_month: of an open deal of mean engagement.
        group_size: mean size of a deal's buying group, with whom it is talked about.
        engagement_log: how much more at one sd more engagement.
        idle_threads_per_month: of an account, whether or not it has a deal.
        reply_rate: chance that a mail is answered; `engagement_reply` on the logit scale.
        reply_hours_us, reply_hours_them: median working hours; they vary by `reply_sigma` (log).
        initiated_by_them: share of the conversations.
        connected_rate: of the calls; `evening_share`: of the mail, outside office hours.
        colleague_share: of the mails, with a colleague in copy.
        internal_per_month, partner_per_month, bulk_per_month: mails of a rep beside the accounts.
        away_share, bounce_share: of our mails, answered by a machine.
        consent_rate: of the connected calls, recorded and transcribed.
        manager_share: of the mails with a colleague, in which the colleague is the team's manager.
        partner_copied: of the conversations about a deal, with a partner in copy.
        other_address_share: of what somebody with a second address writes, from that one.
        named_in_subject: of the conversations about a deal, whose subject names its product, its
            kind or its quote; `named_in_body` of the others, whose first sentence does;
            `named_in_title` of the meetings, in the invitation.
        named_wrongly: of those, which name any product, such as one that was compared.
        named_without_deal: how often conversations about no deal name a product, in shares of
            that.
    """

    threads_per_month: NotNegative = 2.2
    calls_per_month: NotNegative = 1.2
    meetings_per_month: NotNegative = 0.5
    group_size: Annotated[float, msgspec.Meta(ge=1)] = 3.0
    engagement_log: float = 0.5
    idle_threads_per_month: NotNegative = 0.06
    reply_rate: Share = 0.66
    engagement_reply: float = 0.6
    reply_hours_us: Positive = 1.6
    reply_hours_them: Positive = 2.6
    reply_sigma: NotNegative = 1.3
    initiated_by_them: Share = 0.4
    connected_rate: Share = 0.55
    evening_share: Share = 0.06
    colleague_share: Share = 0.15
    internal_per_month: NotNegative = 12.0
    partner_per_month: NotNegative = 1.0
    bulk_per_month: NotNegative = 8.0
    away_share: Share = 0.03
    bounce_share: Share = 0.008
    consent_rate: Share = 0.3
    manager_share: Share = 0.25
    partner_copied: Share = 0.03
    other_address_share: Share = 0.35
    named_in_subject: Share = 0.35
    named_in_body: Share = 0.2
    named_in_title: Share = 0.35
    named_wrongly: Share = 0.1
    named_without_deal: Share = 0.5


class Dirt(Knobs, frozen=True, kw_only=True):
    """How the CRM's record differs from what happened.

    Attributes:
        contact_missing, contact_stale: of the contacts: nobody entered them, or their address is an
            old one.
        account_duplicated, account_merged: of the accounts: entered twice, and of those merged.
        account_missing: of the open deals, without an account.
        domain_shared: of the accounts, with the mail domain of another one: a group's companies.
        contact_alias, contact_private: of the contacts, who also write from a second address at
            their company, or from a private one at a free-mail provider; `other_entered` of those
            addresses are in the CRM.
        contact_moved, moved_entered: of the contacts, who go to another account within the history;
            of those, whom somebody enters anew.
        stage_late: of the stage changes, entered up to `late_days` days late.
        date_sandbagged: of the deals, with a close date later than the rep believes, until near.
        reassigned: of the deals, handed to another rep while open.
        name_generic: of the deals, whose name says no more than whose they are.
        product_missing, product_wrong: of the deals, with no product, or another one;
            `quote_missing` of the quotes, written outside the CRM.
        roles_missing: of the deals, without contact roles; of the other deals' buying groups
            `role_entered` have one, and `role_wrong` of the roles are anybody's at the account.
    """

    contact_missing: Share = 0.15
    contact_stale: Share = 0.02
    account_duplicated: Share = 0.03
    account_merged: Share = 0.5
    account_missing: Share = 0.02
    domain_shared: Share = 0.02
    contact_alias: Share = 0.06
    contact_private: Share = 0.02
    other_entered: Share = 0.25
    contact_moved: Share = 0.02
    moved_entered: Share = 0.5
    stage_late: Share = 0.25
    late_days: Count = 20
    date_sandbagged: Share = 0.2
    reassigned: Share = 0.03
    name_generic: Share = 0.25
    product_missing: Share = 0.2
    product_wrong: Share = 0.05
    quote_missing: Share = 0.3
    roles_missing: Share = 0.5
    role_entered: Share = 0.6
    role_wrong: Share = 0.1


class Leads(Knobs, frozen=True, kw_only=True):
    """People who may buy, before they are contacts.

    Attributes:
        of_new_deals: of the new deals, those that came of a lead, whose person is in the CRM;
            `days_to_convert` (median) after it.
        of_missing_contacts: of the contacts that nobody entered, who are a lead instead.
        strangers_per_converted: leads at companies that are no account, for each one converted.
        of_campaign: of the leads of a rep whom a campaign reaches, that came by it.
        matched, matched_wrongly: of the leads at an account, whose account the CRM names; of
            those, with any other.
        website_told: of the leads, with their company's domain.
        other_address: of those with a second address, who left that one.
    """

    of_new_deals: Share = 0.5
    days_to_convert: Positive = 14.0
    of_missing_contacts: Share = 0.3
    strangers_per_converted: NotNegative = 1.5
    of_campaign: Share = 0.4
    matched: Share = 0.5
    matched_wrongly: Share = 0.02
    website_told: Share = 0.5
    other_address: Share = 0.5


class Programme(Knobs, frozen=True, kw_only=True):
    """An investment: whom it reaches when, and what it truly does, through its kind's pathway.

    Attributes:
        id: its name in the CRM; made from its place if empty.
        kind: `training` raises skill (sd); `tool` and `headcount` capacity, `campaign` leads,
            `content` the odds of a win (each log); `event` warms an open deal by one step with this
            chance a month; `spif` makes deals end sooner (log), won and lost alike.
        effect: in the pathway's unit; 0 does nothing, below 0 it harms.
        roll_out: `staggered` in cohorts; `reversible`: cohorts that end after `lasts_months`;
            `all_at_once`; `one_region`: the first region alone.
        starts: the months (0 is the first) in which cohorts begin; one unless staggered.
        share: of the reps, reached in the end; of the region's with `one_region`.
        lasts_months: 0 is for ever.
        on_skill, on_recent: who is chosen: weights of skill and of recent results (sd) beside
            chance, whose weight is 1.
        ramp_months: until the full effect; 0 takes the kind's own (`RAMP_MONTHS`).
        half_life_months: of the effect after its ramp and after the end; 0: it stays, and ends at
            once.
        cohort_step: how much more (a share of it) each later cohort gains.
        spillover: what a rep who is not reached gains, in shares of the effect, were all its team
            mates reached.
        anticipation, anticipation_months: the share of the effect that is felt before the start;
            below 0, people wait.
        dose_sd: doses differ (log); `half_dose`: the dose at half of the greatest response, which
            is Hill's curve through 1 at dose 1; 0 means proportional.
        cost_once, cost_per_month: of a unit; gross_margin_rate of what it books.
    """

    id: str = ""
    kind: Kind
    name: str = ""
    effect: float
    roll_out: Literal["staggered", "reversible", "all_at_once", "one_region"] = "staggered"
    starts: Annotated[tuple[Month, ...], msgspec.Meta(min_length=1)] = (12, 16, 20)
    share: Share = 0.5
    lasts_months: Month = 0
    on_skill: float = 0.0
    on_recent: float = 0.0
    ramp_months: Month = 0
    half_life_months: NotNegative = 0.0
    cohort_step: float = 0.0
    spillover: float = 0.0
    anticipation: float = 0.0
    anticipation_months: Month = 0
    dose_sd: NotNegative = 0.0
    half_dose: NotNegative = 0.0
    cost_once: NotNegative = 3_000.0
    cost_per_month: NotNegative = 0.0
    gross_margin_rate: Share = 0.75


class Scenario(Knobs, frozen=True, kw_only=True):
    """A company to be. Two companies of one scenario differ by their seed alone.

    Attributes:
        first_month: its first day; the history begins there.
        fiscal_first_month: 1 to 12.
    """

    name: str = "Fernhill Systems"
    first_month: date = date(2023, 1, 1)
    fiscal_first_month: Annotated[int, msgspec.Meta(ge=1, le=12)] = 1
    people: People = People()
    market: Market = Market()
    deals: Deals = Deals()
    engagement: Engagement = Engagement()
    talk: Talk = Talk()
    dirt: Dirt = Dirt()
    leads: Leads = Leads()
    investments: tuple[Programme, ...] = ()
