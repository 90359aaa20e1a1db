-- What users sign S3 requests with. The secret is sealed, and forgotten when it is revoked; of a
-- revoked one the row stays.
CREATE TABLE s3_credentials (
        access_key_id   TEXT PRIMARY KEY,
        owner           TEXT NOT NULL,
        name            TEXT NOT NULL DEFAULT '',
        secret_sealed   TEXT NOT NULL,
        created_at_us   BIGINT NOT NULL,
        expires_at_us   BIGINT,
        last_used_at_us BIGINT,
        revoked_at_us   BIGINT
);
CREATE INDEX s3_credentials_by_owner ON s3_credentials (owner, created_at_us)
        WHERE revoked_at_us IS NULL;
