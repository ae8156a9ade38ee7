-- What a scenario's options cost is its total, and within its budget to the minor unit's rounding.
select
    concat(
        appetite, ' at ', toString(budget_minor), ' spends ', toString(sum(spend_minor)),
        ', its total says ', toString(any(total_spend_minor))
    ) as what
from {{ ref('allocation') }}
group by budget_minor, appetite
having sum(spend_minor) != any(total_spend_minor) or sum(spend_minor) > budget_minor + count()
