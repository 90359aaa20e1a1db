-- Whose a job is, what it was asked to do (sealed, for a retry), when it is looked at next, and how
-- far it says it is. poll_at_us is NULL once nothing at the provider can concern us any more.
ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';
ALTER TABLE jobs ADD COLUMN retry_of TEXT;
ALTER TABLE jobs ADD COLUMN attempt BIGINT NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN request TEXT;
ALTER TABLE jobs ADD COLUMN estimated_cost_usd_micros BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN max_runtime_s BIGINT;
ALTER TABLE jobs ADD COLUMN progress_stage TEXT;
ALTER TABLE jobs ADD COLUMN progress_line TEXT;
ALTER TABLE jobs ADD COLUMN progress_permille BIGINT;
ALTER TABLE jobs ADD COLUMN poll_at_us BIGINT;
ALTER TABLE jobs ADD COLUMN poll_failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN missing_count BIGINT NOT NULL DEFAULT 0;
UPDATE jobs SET poll_at_us = polled_at_us WHERE status IN ('pending', 'uploading', 'queued', 'running');
DROP INDEX jobs_to_poll;
ALTER TABLE jobs DROP COLUMN polled_at_us;
CREATE INDEX jobs_to_poll ON jobs (poll_at_us) WHERE poll_at_us IS NOT NULL;
CREATE INDEX jobs_active ON jobs (provider, status)
        WHERE status IN ('pending', 'uploading', 'queued', 'running');
CREATE INDEX jobs_by_provider_status ON jobs (provider, status, job_id);
CREATE INDEX jobs_by_owner ON jobs (owner, job_id);
CREATE INDEX jobs_by_end ON jobs (completed_at_us) WHERE completed_at_us IS NOT NULL;

-- As before, by owner too.
DROP TABLE job_counts;
CREATE TABLE job_counts (
        provider TEXT NOT NULL,
        status   TEXT NOT NULL,
        owner    TEXT NOT NULL,
        jobs     BIGINT NOT NULL,
        PRIMARY KEY (provider, status, owner)
);
INSERT INTO job_counts (provider, status, owner, jobs)
        SELECT provider, status, owner, COUNT(*) FROM jobs GROUP BY provider, status, owner;

-- What jobs came to and cost, by the hour in which they were made, kept beside every change:
-- statistics read few rows however many jobs there are, and outlive deleted jobs.
CREATE TABLE job_hours (
        provider         TEXT NOT NULL,
        hour             BIGINT NOT NULL,
        owner            TEXT NOT NULL,
        hardware_profile TEXT NOT NULL,
        jobs             BIGINT NOT NULL DEFAULT 0,
        completed        BIGINT NOT NULL DEFAULT 0,
        failed           BIGINT NOT NULL DEFAULT 0,
        cancelled        BIGINT NOT NULL DEFAULT 0,
        run_us           BIGINT NOT NULL DEFAULT 0,
        cost_usd_micros  BIGINT NOT NULL DEFAULT 0,
        PRIMARY KEY (provider, hour, owner, hardware_profile)
);
INSERT INTO job_hours (provider, hour, owner, hardware_profile, jobs, completed, failed, cancelled,
                       run_us, cost_usd_micros)
        SELECT provider, created_at_us / 3600000000, owner, COALESCE(hardware_profile, ''), COUNT(*),
               SUM(CASE WHEN status = 'completed' THEN 1 ELSE 0 END),
               SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END),
               SUM(CASE WHEN status = 'cancelled' THEN 1 ELSE 0 END),
               SUM(CASE WHEN status = 'completed' AND completed_at_us > started_at_us
                        THEN completed_at_us - started_at_us ELSE 0 END),
               SUM(COALESCE(cost_usd_micros, 0))
        FROM jobs GROUP BY 1, 2, 3, 4;
CREATE INDEX job_hours_by_profile ON job_hours (provider, owner, hardware_profile, hour);

-- The cost alone, by hours and by days (span_s seconds each): however many users and profiles there
-- are, a spending limit reads some thirty rows.
CREATE TABLE provider_costs (
        provider        TEXT NOT NULL,
        span_s          BIGINT NOT NULL,
        slot            BIGINT NOT NULL,
        cost_usd_micros BIGINT NOT NULL,
        PRIMARY KEY (provider, span_s, slot)
);
INSERT INTO provider_costs (provider, span_s, slot, cost_usd_micros)
        SELECT provider, 3600, hour, SUM(cost_usd_micros) FROM job_hours GROUP BY provider, hour;
INSERT INTO provider_costs (provider, span_s, slot, cost_usd_micros)
        SELECT provider, 86400, hour / 24, SUM(cost_usd_micros) FROM job_hours
        GROUP BY provider, hour / 24;

-- One submission per key and owner; the hash tells another request under the same key.
CREATE TABLE idempotency_keys (
        owner           TEXT NOT NULL,
        idempotency_key TEXT NOT NULL,
        request_sha256  TEXT NOT NULL,
        job_id          TEXT NOT NULL,
        expires_at_us   BIGINT NOT NULL,
        PRIMARY KEY (owner, idempotency_key)
);
CREATE INDEX idempotency_keys_by_job ON idempotency_keys (job_id);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at_us);

-- Tokens of users at providers, sealed.
CREATE TABLE user_credentials (
        owner           TEXT NOT NULL,
        provider        TEXT NOT NULL,
        name            TEXT NOT NULL,
        value           TEXT NOT NULL,
        description     TEXT,
        created_at_us   BIGINT NOT NULL,
        last_used_at_us BIGINT,
        PRIMARY KEY (owner, provider, name)
);
