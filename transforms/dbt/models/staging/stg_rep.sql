{{ current_record(source('raw', 'rep'), ['rep_id']) }}
