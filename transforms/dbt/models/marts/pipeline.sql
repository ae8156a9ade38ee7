with stage as (
    select
        opportunity_id,
        argMax(to_stage, changed_at) as latest_stage,
        max(changed_at) as entered_at
    from {{ ref('stg_stage_change') }}
    group by opportunity_id
),

rate as (
    select
        currency,
        argMax(rate, rate_on) as latest_rate
    from {{ ref('stg_currency_rate') }}
    where base = {{ base_currency() }}
    group by currency
)

select
    deal.opportunity_id as opportunity_id,
    deal.name as name,
    deal.account_id as account_id,
    account.name as account_name,
    deal.owner_rep_id as rep_id,
    rep.name as rep_name,
    deal.pipeline as pipeline,
    deal.deal_type as deal_type,
    deal.stage as stage,
    deal.forecast_category as forecast_category,
    if(stage.latest_stage = deal.stage, toNullable(stage.entered_at), null) as stage_entered_at,
    deal.created_on as created_on,
    deal.close_on as close_on,
    deal.amount_minor as amount_minor,
    deal.currency as currency,
    {{ in_base('deal.amount_minor', 'deal.currency', 'nullIf(rate.latest_rate, 0)') }}
        as amount_base_minor,
    {{ base_currency() }} as base_currency,
    if(engagement.account_id = '', null, engagement.score) as engagement_score,
    if(engagement.account_id = '', null, engagement.as_of) as engagement_as_of
from {{ ref('stg_opportunity') }} as deal
left join stage on deal.opportunity_id = stage.opportunity_id
left join rate on deal.currency = rate.currency
left join {{ ref('stg_account') }} as account on deal.account_id = account.account_id
left join {{ ref('stg_rep') }} as rep on deal.owner_rep_id = rep.rep_id
left join {{ ref('account_engagement') }} as engagement on deal.account_id = engagement.account_id
where not deal.is_closed
