{{ current_record(source('raw', 'investment_cost'), ['investment_id', 'month_on', 'cost_kind']) }}
