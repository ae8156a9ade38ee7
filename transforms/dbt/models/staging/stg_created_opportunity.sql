-- A deal's first version tells what was opened, and by whom.
with opened as (
    select
        opportunity_id,
        argMin(owner_rep_id, knowable_at) as rep_id,
        argMin(amount_minor, knowable_at) as amount_minor,
        argMin(currency, knowable_at) as currency
    from {{ ref('stg_opportunity_history') }}
    where not is_deleted
    group by opportunity_id
),

spot as (
    select
        currency,
        rate_on,
        rate
    from {{ ref('stg_currency_rate') }}
    where base = {{ base_currency() }}
),

deal as (
    select
        opportunity.opportunity_id as opportunity_id,
        opportunity.account_id as account_id,
        opportunity.created_on as created_on,
        opened.rep_id as rep_id,
        opened.amount_minor as amount_minor,
        opened.currency as currency
    from {{ ref('stg_opportunity') }} as opportunity
    inner join opened on opportunity.opportunity_id = opened.opportunity_id
)

select
    deal.*,
    {{ in_base('deal.amount_minor', 'deal.currency', 'nullIf(spot.rate, 0)') }} as pipeline_minor
from deal
asof left join spot on deal.currency = spot.currency and deal.created_on >= spot.rate_on
