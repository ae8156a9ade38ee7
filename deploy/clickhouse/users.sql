-- Who may do what in the warehouse. Run as an administrator; safe to run again, also to change a
-- password. The parameters are the SHA-256 of each password, in hexadecimal.

CREATE USER OR REPLACE headwater_migrator IDENTIFIED WITH sha256_hash BY {migrator:String};
CREATE USER OR REPLACE headwater_writer IDENTIFIED WITH sha256_hash BY {writer:String};
CREATE USER OR REPLACE headwater_batch IDENTIFIED WITH sha256_hash BY {batch:String};
CREATE USER OR REPLACE headwater_reader IDENTIFIED WITH sha256_hash BY {reader:String};

-- Makes the tables and views; backs up, restores and erases.
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, ALTER TABLE, DROP TABLE, DROP VIEW, SELECT, INSERT
    ON raw.* TO headwater_migrator;
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, ALTER TABLE, DROP TABLE, DROP VIEW, SELECT, INSERT
    ON ml.* TO headwater_migrator;
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, ALTER TABLE, DROP TABLE, DROP VIEW, SELECT, INSERT
    ON live.* TO headwater_migrator;
GRANT SELECT ON system.parts TO headwater_migrator;

-- The workers: rows in, nothing changed or dropped, and not the history of the migrations.
GRANT SELECT, INSERT ON raw.* TO headwater_writer;
REVOKE INSERT ON raw.schema_version FROM headwater_writer;
GRANT SELECT ON live.* TO headwater_writer;
GRANT SELECT ON ml.* TO headwater_writer;
GRANT SELECT ON system.parts TO headwater_writer;

-- Dagster's runs: what models write, matches decided again, the ledger of the write-back, and dbt's
-- views.
GRANT SELECT ON raw.* TO headwater_batch;
GRANT INSERT ON raw.crm_write TO headwater_batch;
GRANT INSERT ON raw.match TO headwater_batch;
GRANT INSERT ON raw.source_cursor TO headwater_batch;
GRANT SELECT ON live.* TO headwater_batch;
GRANT SELECT ON ml.* TO headwater_batch;
GRANT INSERT, ALTER DELETE ON live.engagement_fact TO headwater_batch;
GRANT INSERT ON live.engagement_build TO headwater_batch;
GRANT INSERT ON ml.engagement_score TO headwater_batch;
GRANT INSERT ON ml.investment_judgement TO headwater_batch;
GRANT INSERT ON ml.investment_panel TO headwater_batch;
GRANT INSERT ON ml.investment_estimate TO headwater_batch;
GRANT INSERT ON ml.investment_diagnostic TO headwater_batch;
GRANT INSERT ON ml.investment_event_study TO headwater_batch;
GRANT INSERT ON ml.explanation TO headwater_batch;
GRANT INSERT ON ml.response_curve TO headwater_batch;
GRANT INSERT ON ml.response_point TO headwater_batch;
GRANT INSERT ON ml.investment_forecast TO headwater_batch;
GRANT INSERT ON ml.allocation TO headwater_batch;
GRANT INSERT ON ml.allocation_total TO headwater_batch;
GRANT INSERT ON ml.experiment TO headwater_batch;
GRANT INSERT ON ml.rollout TO headwater_batch;
GRANT CREATE DATABASE, CREATE VIEW, DROP VIEW, SELECT ON staging.* TO headwater_batch;
GRANT CREATE DATABASE, CREATE VIEW, DROP VIEW, SELECT ON marts.* TO headwater_batch;

-- The dashboard. A view is read with its reader's rights: the tables beneath it need them too.
GRANT SELECT ON raw.* TO headwater_reader;
GRANT SELECT ON live.* TO headwater_reader;
GRANT SELECT ON ml.* TO headwater_reader;
GRANT SELECT ON staging.* TO headwater_reader;
GRANT SELECT ON marts.* TO headwater_reader;
