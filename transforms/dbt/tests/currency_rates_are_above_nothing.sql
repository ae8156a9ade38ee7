-- A rate of nothing would make bookings vanish.
select
    concat(
        'the ', currency, ' to ', base, ' rate of ', toString(rate_on), ' is ', toString(rate)
    ) as what
from {{ ref('stg_currency_rate') }}
where rate <= 0
