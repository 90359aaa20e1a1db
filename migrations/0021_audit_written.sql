-- How many entries of each type were ever written; those that were pruned before this are not known
-- by type.
ALTER TABLE audit_counts ADD COLUMN written BIGINT NOT NULL DEFAULT 0;
UPDATE audit_counts SET written = entries;

-- Uploads in parts that are under way, without those that are finished.
CREATE INDEX multiparts_open ON multiparts (upload_id) WHERE completed_etag IS NULL;
