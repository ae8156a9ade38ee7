select * except (ingested_at)
from {{ source('live', 'match') }}
