-- Jobs that wait for somebody's word. Such a job is 'queued' and requires_approval is 1; once it is
-- approved or has ended it is 0 again. approval_id names its request, also afterwards.
ALTER TABLE jobs ADD COLUMN requires_approval BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN approval_id BIGINT;
-- Since when it is to be done: an approved job is older than its submission.
ALTER TABLE submissions ADD COLUMN added_at_us BIGINT;

INSERT INTO counters (name, value) VALUES ('approval_rule', 0);
INSERT INTO counters (name, value) VALUES ('approval_request', 0);

-- exempt_levels: a JSON array of names. applies_to_*: NULL for all.
CREATE TABLE approval_rules (
        rule_id                 BIGINT PRIMARY KEY,
        name                    TEXT NOT NULL,
        description             TEXT NOT NULL DEFAULT '',
        rule_condition          TEXT NOT NULL CHECK (rule_condition IN ('cost_exceeds',
                'hardware_type', 'provider', 'user_level', 'daily_jobs_exceed', 'first_job',
                'config_pattern')),
        threshold               TEXT NOT NULL,
        is_active               BIGINT NOT NULL DEFAULT 1,
        priority                BIGINT NOT NULL DEFAULT 0,
        applies_to_provider     TEXT,
        applies_to_level        TEXT,
        exempt_levels           TEXT NOT NULL DEFAULT '[]',
        required_approver_level TEXT NOT NULL,
        created_at_us           BIGINT NOT NULL,
        created_by              TEXT NOT NULL
);
CREATE INDEX approval_rules_in_order ON approval_rules (priority DESC, rule_id)
        WHERE is_active = 1;

-- rule_id is no reference: a request outlives its rule, and keeps what it needs of it.
CREATE TABLE approval_requests (
        request_id                BIGINT PRIMARY KEY,
        job_id                    TEXT NOT NULL,
        owner                     TEXT NOT NULL,
        user_id                   BIGINT,
        rule_id                   BIGINT,
        rule_name                 TEXT,
        required_approver_level   TEXT NOT NULL,
        status                    TEXT NOT NULL CHECK (status IN
                ('pending', 'approved', 'rejected', 'expired', 'cancelled')),
        reason                    TEXT NOT NULL,
        provider                  TEXT NOT NULL,
        config_name               TEXT,
        hardware_type             TEXT,
        estimated_cost_usd_micros BIGINT NOT NULL,
        reviewed_by               TEXT,
        reviewed_at_us            BIGINT,
        review_notes              TEXT,
        created_at_us             BIGINT NOT NULL,
        expires_at_us             BIGINT NOT NULL,
        notified_at_us            BIGINT
);
CREATE UNIQUE INDEX approval_requests_by_job ON approval_requests (job_id);
CREATE INDEX approval_requests_by_status ON approval_requests (status, request_id);
CREATE INDEX approval_requests_by_owner ON approval_requests (owner, request_id);
CREATE INDEX approval_requests_by_expiry ON approval_requests (expires_at_us)
        WHERE status = 'pending';
