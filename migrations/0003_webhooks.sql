-- Every accepted delivery, stored in the transaction that applies it; webhook_id is the sender's.
-- The body is kept without what the remote job was given, for its token is in there.
CREATE TABLE webhook_deliveries (
        delivery_id    TEXT PRIMARY KEY,
        provider       TEXT NOT NULL,
        webhook_id     TEXT NOT NULL,
        received_at_us BIGINT NOT NULL,
        job_id         TEXT,
        outcome        TEXT NOT NULL,
        body           TEXT NOT NULL
);
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (provider, webhook_id);
CREATE INDEX webhook_deliveries_by_job ON webhook_deliveries (job_id, delivery_id);
