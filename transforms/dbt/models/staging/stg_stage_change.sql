{{ current_record(source('raw', 'stage_change'), ['opportunity_id', 'changed_at', 'to_stage']) }}
