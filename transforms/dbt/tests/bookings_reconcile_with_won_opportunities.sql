-- What the reps booked by month sums to what the won opportunities are worth, to the minor unit.
with booked as (
    select
        (select sum(bookings_minor) from {{ ref('rep_month') }}) as by_month,
        (select sum(bookings_minor) from {{ ref('stg_closed_opportunity') }} where is_won) as by_deal,
        (select sum(deals_won) from {{ ref('rep_month') }}) as won_by_month,
        (select count() from {{ ref('stg_opportunity') }} where is_won) as won
)

select
    concat(
        toString(won_by_month), ' deals worth ', toString(by_month), ' by month, but ',
        toString(won), ' worth ', toString(by_deal), ' won'
    ) as what
from booked
where by_month != by_deal or won_by_month != won
