-- Last touch: a won deal is credited to the investment that last reached its owner, their team, its
-- account or its territory on or before the day of closing. What it would have brought anyway is in
-- here: this is no return, and is never added to one.
with won as (
    select
        closed.opportunity_id as opportunity_id,
        closed.close_on as close_on,
        closed.bookings_minor as bookings_minor,
        touched.1 as unit_kind,
        touched.2 as unit_id
    from {{ ref('stg_closed_opportunity') }} as closed
    left join {{ ref('stg_account') }} as account on closed.account_id = account.account_id
    left join {{ ref('rep_month') }} as month
        on
            closed.rep_id = month.rep_id
            and {{ month_on('closed.close_on') }} = month.month_on
    array join [
        ('rep', closed.rep_id),
        ('team', month.team_id),
        ('account', closed.account_id),
        ('territory', account.territory_id)
    ] as touched
    where closed.is_won and touched.2 != ''
),

touch as (
    select
        unit_kind,
        unit_id,
        starts_on,
        min(investment_id) as investment_id
    from {{ ref('stg_exposure') }}
    group by unit_kind, unit_id, starts_on
),

touched as (
    select
        won.opportunity_id as opportunity_id,
        argMax(touch.investment_id, (touch.starts_on, touch.investment_id)) as investment_id,
        any(won.close_on) as close_on,
        any(won.bookings_minor) as bookings_minor
    from won
    asof inner join touch
        on
            won.unit_kind = touch.unit_kind
            and won.unit_id = touch.unit_id
            and won.close_on >= touch.starts_on
    group by opportunity_id
)

select
    investment_id,
    {{ month_on('close_on') }} as month_on,
    {{ base_currency() }} as currency,
    sum(coalesce(bookings_minor, 0)) as attributed_bookings_minor,
    count() as attributed_deals
from touched
group by investment_id, month_on
