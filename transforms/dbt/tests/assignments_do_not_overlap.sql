-- Nobody has two parents of one kind on the same day: else credit would go two ways.
select
    concat(
        child_id, ' has the ', parent_kind, 's ', parent_id, ' and ', next_parent_id, ' on ',
        toString(next_from), ': end one assignment before the other begins'
    ) as what
from (
    select
        child_id,
        parent_kind,
        parent_id,
        effective_to,
        leadInFrame(parent_id) over later as next_parent_id,
        leadInFrame(toNullable(effective_from)) over later as next_from
    from {{ ref('stg_assignment') }}
    window later as (
        partition by child_id, parent_kind
        order by effective_from
        rows between unbounded preceding and unbounded following
    )
)
where next_from is not null and (effective_to is null or effective_to > next_from)
