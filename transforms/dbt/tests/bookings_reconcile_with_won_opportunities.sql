-- What the reps booked by month sums to what the won opportunities are worth, to the minor unit.
with by_month as (
    select
        sum(bookings_minor) as worth,
        sum(deals_won) as won
    from {{ ref('rep_month') }}
),

by_deal as (
    select
        sum(closed.bookings_minor) as worth,
        count() as won
    from {{ ref('stg_opportunity') }} as deal
    left join {{ ref('stg_closed_opportunity') }} as closed
        on deal.opportunity_id = closed.opportunity_id
    where deal.is_won
)

select
    concat(
        toString(by_month.won), ' deals worth ', toString(by_month.worth), ' by month, but ',
        toString(by_deal.won), ' worth ', toString(by_deal.worth), ' won'
    ) as what
from by_month
cross join by_deal
where by_month.worth != coalesce(by_deal.worth, 0) or by_month.won != by_deal.won
