{#- How many decimal places a currency's major unit has (ISO 4217), as contracts.money has it. -#}
{% macro minor_digits(currency) -%}
    multiIf(
        {{ currency }} in (
            'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI',
            'VND', 'VUV', 'XAF', 'XOF', 'XPF'), 0,
        {{ currency }} in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'), 3,
        {{ currency }} in ('CLF', 'UYW'), 4,
        2)
{%- endmacro %}

{#- The company's base currency, as a literal. -#}
{% macro base_currency() -%}
    '{{ env_var("HEADWATER_BASE_CURRENCY", "USD") }}'
{%- endmacro %}

{#-
    An amount in minor units of the base currency, rounded half to even, once; NULL where no rate
    is known. The rate is what one major unit was worth in major units of the base.
-#}
{% macro in_base(amount_minor, currency, rate) -%}
    if(
        {{ currency }} = {{ base_currency() }},
        {{ amount_minor }},
        toInt64(roundBankers(
            toDecimal256({{ amount_minor }}, 12)
            * {{ rate }}
            * toDecimal256(exp10({{ minor_digits(base_currency()) }} - {{ minor_digits(currency) }}), 4)
        ))
    )
{%- endmacro %}
