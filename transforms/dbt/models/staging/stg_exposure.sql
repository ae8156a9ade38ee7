{{ current_record(
    source('raw', 'exposure'),
    ['investment_id', 'unit_kind', 'unit_id', 'starts_on']
) }}
