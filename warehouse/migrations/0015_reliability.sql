-- How well what is known of units beforehand is measured, as whoever asks the question states it.

ALTER TABLE raw.investment ADD COLUMN IF NOT EXISTS covariate_reliability Array(String)
    COMMENT 'covariate=share of its variance that is what it stands for, one an element';
