-- A booking in another currency needs a rate on or before the day of closing.
select
    concat(
        'no ', currency, ' to ', bookings_currency, ' rate on or before ', toString(close_on),
        ' for opportunity ', opportunity_id, ': add one to the currency rates'
    ) as what
from {{ ref('stg_closed_opportunity') }}
where is_won and bookings_minor is null
order by close_on
