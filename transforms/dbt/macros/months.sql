{#- The first day of a day's calendar month, whatever the century. -#}
{% macro month_on(day) -%}
    makeDate32(toYear({{ day }}), toMonth({{ day }}), 1)
{%- endmacro %}

{#- The company's day of a moment. -#}
{% macro day_on(moment) -%}
    toDate32({{ moment }}, '{{ env_var("HEADWATER_TIME_ZONE", "UTC") }}')
{%- endmacro %}
