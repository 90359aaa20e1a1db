-- How many entries of each type were ever written; those that were pruned before this are not known
-- by type.
ALTER TABLE audit_counts ADD COLUMN written BIGINT NOT NULL DEFAULT 0;
UPDATE audit_counts SET written = entries;
