with attributed as (
    select
        investment_id,
        sum(attributed_bookings_minor) as bookings_minor,
        sum(attributed_deals) as deals
    from {{ ref('investment_attribution') }}
    group by investment_id
),

registered as (
    select
        investment.investment_id as id,
        investment.name as name,
        investment.kind as kind,
        investment.question as question,
        investment.registered_on as registered_on,
        attributed.bookings_minor as attributed_bookings_minor,
        attributed.deals as attributed_deals
    from {{ ref('stg_investment') }} as investment
    left join attributed on investment.investment_id = attributed.investment_id
)

select
    judgement.* except (ingested_at),
    registered.* except (id)
from (
    select *
    from {{ source('ml', 'investment_judgement') }} final
    order by as_of desc
    limit 1 by investment_id
) as judgement
inner join registered on judgement.investment_id = registered.id
