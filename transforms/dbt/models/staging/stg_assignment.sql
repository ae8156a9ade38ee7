{{ current_record(
    source('raw', 'assignment'),
    ['child_id', 'parent_kind', 'parent_id', 'effective_from']
) }}
