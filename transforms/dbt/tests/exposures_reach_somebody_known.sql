-- An exposure names a rep, org unit or account of the CRM.
with known as (
    select
        'rep' as unit_kind,
        rep_id as unit_id
    from {{ ref('stg_rep') }}
    union all
    select
        unit_kind,
        unit_id
    from {{ ref('stg_org_unit') }}
    union all
    select
        'account' as unit_kind,
        account_id as unit_id
    from {{ ref('stg_account') }}
)

select
    concat(
        'investment ', investment_id, ' reaches the ', unit_kind, ' ', unit_id,
        ', which the CRM does not know: bring it in, or correct the exposure'
    ) as what
from {{ ref('stg_exposure') }}
where (unit_kind, unit_id) not in (
    select
        unit_kind,
        unit_id
    from known
)
