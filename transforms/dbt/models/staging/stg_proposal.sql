{{ current_record(source('raw', 'proposal'), ['proposal_id']) }}
