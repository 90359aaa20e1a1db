-- What somebody may use. One of the four ids says for whom a quota is; with none it is for all.
-- limit_value: USD micros of costs, else a number.
INSERT INTO counters (name, value) VALUES ('quota', 0);
CREATE TABLE quotas (
        quota_id      BIGINT PRIMARY KEY,
        quota_type    TEXT NOT NULL CHECK (quota_type IN ('cost_monthly', 'cost_daily',
                'concurrent_jobs', 'jobs_per_day', 'jobs_per_hour', 'local_gpus')),
        limit_value   BIGINT NOT NULL,
        action        TEXT NOT NULL CHECK (action IN ('block', 'warn', 'require_approval')),
        user_id       BIGINT REFERENCES users (user_id) ON DELETE CASCADE,
        level_id      BIGINT REFERENCES levels (level_id) ON DELETE CASCADE,
        team_id       BIGINT REFERENCES teams (team_id) ON DELETE CASCADE,
        org_id        BIGINT REFERENCES orgs (org_id) ON DELETE CASCADE,
        created_at_us BIGINT NOT NULL,
        updated_at_us BIGINT NOT NULL,
        created_by    TEXT NOT NULL,
        CHECK ((CASE WHEN user_id IS NULL THEN 0 ELSE 1 END)
               + (CASE WHEN level_id IS NULL THEN 0 ELSE 1 END)
               + (CASE WHEN team_id IS NULL THEN 0 ELSE 1 END)
               + (CASE WHEN org_id IS NULL THEN 0 ELSE 1 END) <= 1)
);
CREATE UNIQUE INDEX quotas_by_scope ON quotas (quota_type, COALESCE(user_id, 0),
        COALESCE(level_id, 0), COALESCE(team_id, 0), COALESCE(org_id, 0));
CREATE INDEX quotas_by_user ON quotas (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX quotas_by_level ON quotas (level_id) WHERE level_id IS NOT NULL;
CREATE INDEX quotas_by_team ON quotas (team_id) WHERE team_id IS NOT NULL;
CREATE INDEX quotas_by_org ON quotas (org_id) WHERE org_id IS NOT NULL;
CREATE INDEX quotas_of_all ON quotas (quota_type) WHERE user_id IS NULL AND level_id IS NULL
        AND team_id IS NULL AND org_id IS NULL;

-- Who submitted when, of the last two days: deleting a job gives nobody another one.
CREATE TABLE job_ledger (
        job_id        TEXT PRIMARY KEY,
        owner         TEXT NOT NULL,
        created_at_us BIGINT NOT NULL
);
CREATE INDEX job_ledger_by_owner ON job_ledger (owner, created_at_us);
CREATE INDEX job_ledger_by_time ON job_ledger (created_at_us);
INSERT INTO job_ledger (job_id, owner, created_at_us)
        SELECT job_id, owner, created_at_us FROM jobs;

-- When it was last written down that somebody was over a quota: once a minute is enough.
CREATE TABLE quota_excesses (
        owner       TEXT NOT NULL,
        quota_type  TEXT NOT NULL,
        noted_at_us BIGINT NOT NULL,
        PRIMARY KEY (owner, quota_type)
);

CREATE INDEX jobs_active_by_owner ON jobs (owner)
        WHERE status IN ('pending', 'uploading', 'queued', 'running');
CREATE INDEX job_hours_by_owner ON job_hours (owner, hour);
