-- What a deal is about, as the CRM tells it: products, and the numbers of quotes and orders.

ALTER TABLE raw.opportunity ADD COLUMN IF NOT EXISTS products Array(String);
ALTER TABLE raw.opportunity ADD COLUMN IF NOT EXISTS quote_numbers Array(String)
