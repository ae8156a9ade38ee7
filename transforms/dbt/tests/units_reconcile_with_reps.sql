-- What reps booked is what their deals are worth, however it is grouped.
with by_unit as (
    select sum(bookings_minor) as worth
    from {{ ref('unit_month') }}
    where unit_kind = 'rep'
),

by_rep as (
    select sum(bookings_minor) as worth
    from {{ ref('rep_month') }}
    where rep_id != ''
)

select
    concat(toString(by_unit.worth), ' by unit, but ', toString(by_rep.worth), ' by rep') as what
from by_unit
cross join by_rep
where by_unit.worth != by_rep.worth
