-- Which key of credential.key the S3 secret of a job's upload token is derived from; NULL: the
-- oldest one, for a token from before there could be several.
ALTER TABLE jobs ADD COLUMN upload_key_id TEXT;
