-- The companion's tasks: whoever holds the lease runs one, the others leave it alone.
CREATE TABLE tasks (
        name           TEXT PRIMARY KEY,
        holder         TEXT,
        lease_until_us BIGINT NOT NULL DEFAULT 0,
        due_at_us      BIGINT NOT NULL DEFAULT 0,
        started_at_us  BIGINT,
        finished_at_us BIGINT,
        runs           BIGINT NOT NULL DEFAULT 0,
        failures       BIGINT NOT NULL DEFAULT 0,
        last_result    TEXT
);

-- One circuit breaker per provider, shared by all processes and hosts.
CREATE TABLE breakers (
        provider       TEXT PRIMARY KEY,
        state          TEXT NOT NULL CHECK (state IN ('closed', 'open', 'half_open')),
        failures       BIGINT NOT NULL DEFAULT 0,
        successes      BIGINT NOT NULL DEFAULT 0,
        probes         BIGINT NOT NULL DEFAULT 0,
        probe_until_us BIGINT NOT NULL DEFAULT 0,
        opened_at_us   BIGINT NOT NULL DEFAULT 0,
        total_failures BIGINT NOT NULL DEFAULT 0,
        last_error     TEXT
);

-- Results to be fetched from the provider before it deletes them, into the job's bucket.
CREATE TABLE archives (
        job_id         TEXT PRIMARY KEY,
        state          TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
        run_at_us      BIGINT,
        claimed_until_us BIGINT NOT NULL DEFAULT 0,
        attempts       BIGINT NOT NULL DEFAULT 0,
        files          BIGINT NOT NULL DEFAULT 0,
        bytes          BIGINT NOT NULL DEFAULT 0,
        error          TEXT,
        finished_at_us BIGINT
);
CREATE INDEX archives_to_run ON archives (run_at_us) WHERE run_at_us IS NOT NULL;
CREATE TABLE archive_files (
        job_id     TEXT NOT NULL,
        object_key TEXT NOT NULL,
        url        TEXT NOT NULL,
        etag       TEXT,
        size_bytes BIGINT,
        sha256     TEXT,
        done       BIGINT NOT NULL DEFAULT 0,
        PRIMARY KEY (job_id, object_key)
);

-- Local data sets on their way to a provider: whoever holds the claim packs and sends them.
CREATE TABLE submissions (
        job_id           TEXT PRIMARY KEY,
        run_at_us        BIGINT,
        claimed_until_us BIGINT NOT NULL DEFAULT 0,
        stage            TEXT NOT NULL,
        bytes_done       BIGINT NOT NULL DEFAULT 0,
        bytes_total      BIGINT NOT NULL DEFAULT 0,
        message          TEXT,
        updated_at_us    BIGINT NOT NULL
);
CREATE INDEX submissions_to_run ON submissions (run_at_us) WHERE run_at_us IS NOT NULL;

-- Choices made on the page that belong to no provider.
CREATE TABLE preferences (
        name  TEXT PRIMARY KEY,
        value TEXT NOT NULL
);
