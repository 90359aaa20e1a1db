-- What follows from a request, long after it, is found in the log by that request's id; and a
-- circuit breaker says when its provider failed last.
ALTER TABLE jobs ADD COLUMN correlation_id TEXT;
ALTER TABLE webhook_deliveries ADD COLUMN correlation_id TEXT;
ALTER TABLE breakers ADD COLUMN last_failure_us BIGINT;
