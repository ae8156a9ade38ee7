-- Whether a copy came by itself, soon after it happened, or was brought in or sent again: how fresh
-- the data is is a question about the first alone. Of what was heard before this, it is not known.

ALTER TABLE raw.sighting ADD COLUMN IF NOT EXISTS is_live Bool DEFAULT false AFTER held_at;
