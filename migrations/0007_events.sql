-- Numbers given out in the order of commits: whoever takes one holds its row until the end of the
-- transaction, so a reader that has seen n has seen all before it.
CREATE TABLE counters (
        name  TEXT PRIMARY KEY,
        value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('event', 0);
INSERT INTO counters (name, value) VALUES ('audit', 0);

-- What happened, for those who listen; owner says who may hear it.
CREATE TABLE events (
        event_id      BIGINT PRIMARY KEY,
        created_at_us BIGINT NOT NULL,
        event         TEXT NOT NULL,
        owner         TEXT NOT NULL,
        job_id        TEXT,
        data          TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (created_at_us);

-- Who did what, written in the transaction that did it.
CREATE TABLE audit_log (
        audit_id       BIGINT PRIMARY KEY,
        created_at_us  BIGINT NOT NULL,
        event_type     TEXT NOT NULL,
        actor          TEXT NOT NULL,
        actor_ip       TEXT,
        target_type    TEXT,
        target_id      TEXT,
        action         TEXT NOT NULL,
        details        TEXT NOT NULL DEFAULT '{}',
        correlation_id TEXT
);
CREATE INDEX audit_log_by_type ON audit_log (event_type, audit_id);
CREATE INDEX audit_log_by_ip ON audit_log (actor_ip, event_type, created_at_us);
CREATE INDEX audit_log_by_time ON audit_log (created_at_us);
