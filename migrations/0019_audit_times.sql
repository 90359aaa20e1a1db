-- Entries of a span of time are counted, and their numbers found, in the index alone.
DROP INDEX audit_log_by_time;
CREATE INDEX audit_log_by_time ON audit_log (created_at_us, audit_id);
