-- The audit log as a chain: each entry has the keyed hash of its fields and of the entry before.
-- Entries from before this migration have none.
ALTER TABLE audit_log ADD COLUMN actor_id BIGINT;
ALTER TABLE audit_log ADD COLUMN previous_hash TEXT;
ALTER TABLE audit_log ADD COLUMN entry_hash TEXT;
CREATE INDEX audit_log_by_actor ON audit_log (actor, audit_id);
CREATE INDEX audit_log_by_actor_id ON audit_log (actor_id, audit_id);
CREATE INDEX audit_log_by_target_id ON audit_log (target_id, audit_id);
CREATE INDEX audit_log_by_target_type ON audit_log (target_type, audit_id);

-- The newest entry, signed. Whoever appends holds this row until the end of the transaction, so
-- that numbers are given in the order of commits.
CREATE TABLE audit_head (
        one        BIGINT PRIMARY KEY CHECK (one = 1),
        audit_id   BIGINT NOT NULL,
        entries    BIGINT NOT NULL,
        entry_hash TEXT,
        mac        TEXT
);
INSERT INTO audit_head (one, audit_id, entries)
        SELECT 1, value, 0 FROM counters WHERE name = 'audit';
DELETE FROM counters WHERE name = 'audit';

-- Where the chain begins, signed: its first entry, what that one follows, how many were pruned
-- before it, and how many entries without a hash are older. Signed with the first entry.
CREATE TABLE audit_anchor (
        one           BIGINT PRIMARY KEY CHECK (one = 1),
        first_id      BIGINT NOT NULL,
        previous_hash TEXT,
        pruned        BIGINT NOT NULL,
        unchained     BIGINT NOT NULL,
        mac           TEXT
);
INSERT INTO audit_anchor (one, first_id, pruned, unchained) VALUES (1, 9223372036854775807, 0, 0);

-- How many entries there are of each type.
CREATE TABLE audit_counts (
        event_type TEXT PRIMARY KEY,
        entries    BIGINT NOT NULL
);
INSERT INTO audit_counts (event_type, entries)
        SELECT event_type, COUNT(*) FROM audit_log GROUP BY event_type;

-- How far entries were forwarded to each target, and when to go on.
CREATE TABLE audit_forward (
        target           TEXT PRIMARY KEY,
        last_id          BIGINT NOT NULL,
        claimed_until_us BIGINT NOT NULL DEFAULT 0,
        next_at_us       BIGINT NOT NULL DEFAULT 0,
        failures         BIGINT NOT NULL DEFAULT 0,
        last_error       TEXT,
        forwarded_at_us  BIGINT
);
