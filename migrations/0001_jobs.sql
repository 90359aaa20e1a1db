-- Jobs: one row each, written before the provider is called. Times are UTC microseconds.
CREATE TABLE jobs (
        job_id                TEXT PRIMARY KEY,
        provider              TEXT NOT NULL,
        external_id           TEXT,
        status                TEXT NOT NULL CHECK (status IN
                ('pending', 'uploading', 'queued', 'running', 'completed', 'failed', 'cancelled')),
        config_name           TEXT,
        hardware_profile      TEXT,
        hardware_type         TEXT,
        price_usd_nanos_per_s BIGINT NOT NULL DEFAULT 0,
        cost_usd_micros       BIGINT,
        error_message         TEXT,
        output_url            TEXT,
        metadata              TEXT NOT NULL DEFAULT '{}',
        upload_token_sha256   TEXT,
        created_at_us         BIGINT NOT NULL,
        updated_at_us         BIGINT NOT NULL,
        started_at_us         BIGINT,
        completed_at_us       BIGINT,
        polled_at_us          BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX jobs_by_external_id ON jobs (provider, external_id);
CREATE UNIQUE INDEX jobs_by_upload_token ON jobs (upload_token_sha256);
CREATE INDEX jobs_by_status ON jobs (status, job_id);
CREATE INDEX jobs_by_provider ON jobs (provider, job_id);
CREATE INDEX jobs_to_poll ON jobs (polled_at_us)
        WHERE status IN ('pending', 'uploading', 'queued', 'running');

-- How many jobs there are, kept beside every change, so that a list knows its total at once.
CREATE TABLE job_counts (
        provider TEXT NOT NULL,
        status   TEXT NOT NULL,
        jobs     BIGINT NOT NULL,
        PRIMARY KEY (provider, status)
);
