-- The owner at close is the owner of the first version of the run of versions in which the deal
-- has the outcome that it has now: a later change of owner moves no credit, a deal won again starts
-- anew.
with versions as (
    select
        opportunity_id,
        owner_rep_id,
        knowable_at,
        (is_closed, is_won) as outcome
    from {{ ref('stg_opportunity_history') }}
    where not is_deleted
),

latest as (
    select
        opportunity_id,
        argMax(outcome, knowable_at) as outcome
    from versions
    group by opportunity_id
),

before as (
    select
        versions.opportunity_id as opportunity_id,
        maxIf(versions.knowable_at, versions.outcome != latest.outcome) as ended_at
    from versions
    inner join latest on versions.opportunity_id = latest.opportunity_id
    group by versions.opportunity_id
),

credited as (
    select
        versions.opportunity_id as opportunity_id,
        argMin(versions.owner_rep_id, versions.knowable_at) as rep_id,
        min(versions.knowable_at) as told_at
    from versions
    inner join before on versions.opportunity_id = before.opportunity_id
    where versions.knowable_at > before.ended_at
    group by versions.opportunity_id
),

-- A closed deal without a close date closed on the day on which we were told.
deal as (
    select
        opportunity.*,
        credited.rep_id as rep_id,
        coalesce(opportunity.close_on, {{ day_on('credited.told_at') }}) as closed_on
    from {{ ref('stg_opportunity') }} as opportunity
    inner join credited on opportunity.opportunity_id = credited.opportunity_id
    where opportunity.is_closed
),

spot as (
    select
        currency,
        rate_on,
        rate
    from {{ ref('stg_currency_rate') }}
    where base = {{ base_currency() }}
)

select
    deal.opportunity_id as opportunity_id,
    deal.account_id as account_id,
    deal.rep_id as rep_id,
    deal.is_won as is_won,
    deal.created_on as created_on,
    deal.closed_on as close_on,
    deal.gross_margin_rate as gross_margin_rate,
    deal.amount_minor as amount_minor,
    deal.currency as currency,
    if(
        deal.is_won,
        {{ in_base('deal.amount_minor', 'deal.currency', 'nullIf(spot.rate, 0)') }},
        0
    ) as bookings_minor,
    {{ base_currency() }} as bookings_currency
from deal
asof left join spot on deal.currency = spot.currency and deal.closed_on >= spot.rate_on
