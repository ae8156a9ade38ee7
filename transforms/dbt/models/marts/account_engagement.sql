with latest as (
    select *
    from {{ source('ml', 'engagement_score') }} final
    where (weights_version, as_of) = (
        select argMax((weights_version, as_of), as_of)
        from {{ source('ml', 'engagement_score') }}
    )
),

labels as (
    select mapFromArrays(groupArray(component), groupArray(label)) as label_of
    from {{ source('ml', 'engagement_weight') }} final
    where weights_version = (select any(weights_version) from latest)
)

select
    latest.account_id as account_id,
    account.name as account_name,
    account.domains as domains,
    account.owner_rep_id as owner_rep_id,
    rep.name as owner_name,
    latest.as_of as as_of,
    latest.weights_version as weights_version,
    latest.score as score,
    latest.component as component,
    arrayMap(name -> labels.label_of[name], latest.component) as label,
    latest.points as points,
    latest.activity_count as activity_count,
    latest.last_activity_at as last_activity_at
from latest
cross join labels
inner join {{ ref('stg_account') }} as account on latest.account_id = account.account_id
left join {{ ref('stg_rep') }} as rep on account.owner_rep_id = rep.rep_id
