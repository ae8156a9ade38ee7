{{ current_record(source('raw', 'currency_rate'), ['currency', 'base', 'rate_on']) }}
