-- A cost in another currency needs a rate on or before its month's first day.
select
    concat(
        'no ', currency, ' to ', base_currency, ' rate on or before ', toString(month_on),
        ' for the ', cost_kind, ' of investment ', investment_id, ': add one to the currency rates'
    ) as what
from {{ ref('investment_cost') }}
where amount_base_minor is null
order by month_on
