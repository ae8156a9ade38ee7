with spot as (
    select
        currency,
        rate_on,
        rate
    from {{ ref('stg_currency_rate') }}
    where base = {{ base_currency() }}
),

cost as (
    select * from {{ ref('stg_investment_cost') }}
)

select
    cost.investment_id as investment_id,
    cost.month_on as month_on,
    cost.cost_kind as cost_kind,
    cost.amount_minor as amount_minor,
    cost.currency as currency,
    cost.hours as hours,
    cost.hourly_cost_minor as hourly_cost_minor,
    {{ in_base('cost.amount_minor', 'cost.currency', 'nullIf(spot.rate, 0)') }}
        as amount_base_minor,
    {{ base_currency() }} as base_currency
from cost
asof left join spot on cost.currency = spot.currency and cost.month_on >= spot.rate_on
