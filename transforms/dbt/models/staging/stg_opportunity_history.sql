select
    * except (ingested_at),
    knowable_at as valid_from,
    leadInFrame(toNullable(knowable_at)) over (
        partition by opportunity_id
        order by knowable_at
        rows between unbounded preceding and unbounded following
    ) as valid_to
from {{ source('raw', 'opportunity') }} final
