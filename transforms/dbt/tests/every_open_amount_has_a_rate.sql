-- An open deal in another currency needs a rate.
select
    concat(
        'no ', currency, ' to ', base_currency, ' rate for opportunity ', opportunity_id,
        ': add one to the currency rates'
    ) as what
from {{ ref('pipeline') }}
where amount_base_minor is null
order by opportunity_id
