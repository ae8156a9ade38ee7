{{ current_record(source('raw', 'org_unit'), ['unit_id']) }}
