-- Deliveries are stored before they are applied: apply_at_us says when, NULL that it is done.
-- The body is the sender's, byte for byte, sealed: the token of the remote job is in it.
-- (Rows from before this were stored without it, unsealed.)
ALTER TABLE webhook_deliveries RENAME TO webhook_deliveries_before;
DROP INDEX webhook_deliveries_once;
DROP INDEX webhook_deliveries_by_job;
CREATE TABLE webhook_deliveries (
        delivery_id    TEXT PRIMARY KEY,
        provider       TEXT NOT NULL,
        webhook_id     TEXT NOT NULL,
        received_at_us BIGINT NOT NULL,
        client         TEXT NOT NULL,
        verdict        TEXT NOT NULL CHECK (verdict IN ('signed', 'unsigned')),
        headers        TEXT NOT NULL,
        job_hint       TEXT,
        body           TEXT NOT NULL,
        outcome        TEXT NOT NULL DEFAULT 'received' CHECK (outcome IN
                ('received', 'applied', 'unchanged', 'ignored', 'failed')),
        reason         TEXT,
        job_id         TEXT,
        apply_at_us    BIGINT,
        attempts       BIGINT NOT NULL DEFAULT 0,
        applied_at_us  BIGINT
);
INSERT INTO webhook_deliveries (delivery_id, provider, webhook_id, received_at_us, client, verdict,
                                headers, body, outcome, job_id, attempts, applied_at_us)
        SELECT delivery_id, provider, webhook_id, received_at_us, '',
               CASE WHEN webhook_id LIKE 'unsigned.%' THEN 'unsigned' ELSE 'signed' END, '{}', body,
               CASE WHEN outcome = 'received' THEN 'applied' ELSE outcome END, job_id, 1,
               received_at_us
        FROM webhook_deliveries_before;
DROP TABLE webhook_deliveries_before;
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (provider, webhook_id);
CREATE INDEX webhook_deliveries_by_job ON webhook_deliveries (job_id, delivery_id)
        WHERE job_id IS NOT NULL;
CREATE INDEX webhook_deliveries_to_apply ON webhook_deliveries (delivery_id)
        WHERE apply_at_us IS NOT NULL;
