-- The points that explain a score are the score.
select
    concat(
        account_name, ' scores ', toString(score), ', its reasons ', toString(arraySum(points))
    ) as what
from {{ ref('account_engagement') }}
where abs(score - arraySum(points)) > 1e-9
