select
    part.* except (ingested_at),
    total.risk as risk,
    total.is_asked as is_asked,
    total.origin as origin,
    total.net as total_net,
    total.spend_minor as total_spend_minor,
    total.currency as currency
from {{ source('ml', 'allocation') }} as part final
inner join (
    select *
    from {{ source('ml', 'allocation_total') }} final
) as total
    on part.as_of = total.as_of
    and part.budget_minor = total.budget_minor
    and part.appetite = total.appetite
where part.as_of = (select max(as_of) from {{ source('ml', 'investment_forecast') }})
