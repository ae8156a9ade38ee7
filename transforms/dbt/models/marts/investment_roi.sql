select
    judgement.* except (ingested_at),
    investment.name as name,
    investment.kind as kind,
    investment.question as question,
    investment.registered_on as registered_on
from (
    select *
    from {{ source('ml', 'investment_judgement') }} final
    order by as_of desc
    limit 1 by investment_id
) as judgement
inner join {{ ref('stg_investment') }} as investment
    on judgement.investment_id = investment.investment_id
