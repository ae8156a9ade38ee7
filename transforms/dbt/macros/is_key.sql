{#- The model has one row per value of the column or tuple, and none of them is empty. -#}
{% test is_key(model, column_name) %}
select concat(key, ' stands in ', toString(count()), ' rows') as what
from (
    select toString({{ column_name }}) as key
    from {{ model }}
)
group by key
having count() > 1 or key = ''
{% endtest %}
