select * except (is_deleted, ingested_at)
from {{ source('live', 'account') }}
