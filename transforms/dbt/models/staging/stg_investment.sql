{{ current_record(source('raw', 'investment'), ['investment_id']) }}
