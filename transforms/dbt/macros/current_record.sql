{#- The newest version of each record that was not deleted: one row per key. -#}
{% macro current_record(relation, key) -%}
    select * except (is_deleted, ingested_at)
    from (
        select *
        from {{ relation }} final
        order by knowable_at desc
        limit 1 by {{ key | join(', ') }}
    )
    where not is_deleted
{%- endmacro %}
