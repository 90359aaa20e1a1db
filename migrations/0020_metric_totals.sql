-- Numbers that only grow, whatever is deleted: metrics are made of them. What waits or runs is not
-- in here but counted where it stands, so that submitting costs nothing: submitted is finished and
-- active. A transaction is about one job, and adds to approvals_finished before jobs_finished and
-- to jobs_deleted before approvals_deleted: no two of them wait for one another.
CREATE TABLE metric_totals (
        name     TEXT NOT NULL,
        provider TEXT NOT NULL,
        label    TEXT NOT NULL,
        value    BIGINT NOT NULL,
        PRIMARY KEY (name, provider, label)
);
INSERT INTO metric_totals (name, provider, label, value)
        SELECT 'jobs_finished', provider, 'completed', SUM(completed) FROM job_hours
        GROUP BY provider;
INSERT INTO metric_totals (name, provider, label, value)
        SELECT 'jobs_finished', provider, 'failed', SUM(failed) FROM job_hours GROUP BY provider;
INSERT INTO metric_totals (name, provider, label, value)
        SELECT 'jobs_finished', provider, 'cancelled', SUM(cancelled) FROM job_hours
        GROUP BY provider;
INSERT INTO metric_totals (name, provider, label, value)
        SELECT 'jobs_deleted', t.provider, t.label, t.value - (SELECT COUNT(*) FROM jobs j
                WHERE j.provider = t.provider AND j.status = t.label)
        FROM metric_totals t WHERE t.name = 'jobs_finished';
INSERT INTO metric_totals (name, provider, label, value)
        SELECT 'job_cost_usd_micros', provider, '', SUM(cost_usd_micros) FROM job_hours
        GROUP BY provider;
INSERT INTO metric_totals (name, provider, label, value)
        SELECT 'approvals_finished', '', status, COUNT(*) FROM approval_requests
        WHERE status <> 'pending' GROUP BY status;

-- Spans of time as histograms: how many were at most upto_s seconds long and longer than the bound
-- before, 0 for those beyond all bounds, and how long they were together.
CREATE TABLE metric_spans (
        name     TEXT NOT NULL,
        provider TEXT NOT NULL,
        label    TEXT NOT NULL,
        upto_s   BIGINT NOT NULL,
        spans    BIGINT NOT NULL,
        total_us BIGINT NOT NULL,
        PRIMARY KEY (name, provider, label, upto_s)
);
INSERT INTO metric_spans (name, provider, label, upto_s, spans, total_us)
        SELECT 'job_queue', provider, '', upto_s, COUNT(*), SUM(span_us) FROM (
                SELECT provider, span_us, CASE WHEN span_us <= 60000000 THEN 60
                        WHEN span_us <= 300000000 THEN 300 WHEN span_us <= 900000000 THEN 900
                        WHEN span_us <= 1800000000 THEN 1800 WHEN span_us <= 3600000000 THEN 3600
                        WHEN span_us <= 7200000000 THEN 7200
                        WHEN span_us <= 14400000000 THEN 14400
                        WHEN span_us <= 28800000000 THEN 28800
                        WHEN span_us <= 86400000000 THEN 86400 ELSE 0 END AS upto_s
                FROM (SELECT provider, CASE WHEN started_at_us > created_at_us
                        THEN started_at_us - created_at_us ELSE 0 END AS span_us
                        FROM jobs WHERE started_at_us IS NOT NULL) AS waited) AS measured
        GROUP BY provider, upto_s;
INSERT INTO metric_spans (name, provider, label, upto_s, spans, total_us)
        SELECT 'job_run', provider, status, upto_s, COUNT(*), SUM(span_us) FROM (
                SELECT provider, status, span_us, CASE WHEN span_us <= 60000000 THEN 60
                        WHEN span_us <= 300000000 THEN 300 WHEN span_us <= 900000000 THEN 900
                        WHEN span_us <= 1800000000 THEN 1800 WHEN span_us <= 3600000000 THEN 3600
                        WHEN span_us <= 7200000000 THEN 7200
                        WHEN span_us <= 14400000000 THEN 14400
                        WHEN span_us <= 28800000000 THEN 28800
                        WHEN span_us <= 86400000000 THEN 86400 ELSE 0 END AS upto_s
                FROM (SELECT provider, status, completed_at_us - started_at_us AS span_us
                        FROM jobs WHERE status IN ('completed', 'failed', 'cancelled')
                        AND completed_at_us > started_at_us) AS ran) AS measured
        GROUP BY provider, status, upto_s;

-- Jobs that nobody has finished are few: they are counted where they stand.
CREATE INDEX jobs_active_by_age ON jobs (provider, status, requires_approval, created_at_us)
        WHERE status IN ('pending', 'uploading', 'queued', 'running');
DROP INDEX jobs_active;
