select * except (body, ingested_at)
from {{ source('raw', 'activity') }} final
