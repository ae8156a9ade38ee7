{{ current_record(source('raw', 'opportunity'), ['opportunity_id']) }}
