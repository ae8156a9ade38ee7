{{ current_record(source('raw', 'quota'), ['owner_id', 'period_starts_on']) }}
