select forecast.* except (ingested_at)
from {{ source('ml', 'investment_forecast') }} as forecast final
where forecast.as_of = (select max(as_of) from {{ source('ml', 'investment_forecast') }})
