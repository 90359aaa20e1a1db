-- Who may do what. A name is never given twice: of a deleted user the row stays, so that what is
-- written down under the name (jobs, audit log) is always the same person's.
INSERT INTO counters (name, value) VALUES ('user', 0);
INSERT INTO counters (name, value) VALUES ('level', 100);
INSERT INTO counters (name, value) VALUES ('resource_rule', 0);
INSERT INTO counters (name, value) VALUES ('api_key', 0);
INSERT INTO counters (name, value) VALUES ('org', 0);
INSERT INTO counters (name, value) VALUES ('team', 0);

-- *_key: in lower case. granted, denied: names of permissions, separated by spaces, that change what
-- the levels give. password_hash NULL: no login by password.
CREATE TABLE users (
        user_id           BIGINT PRIMARY KEY,
        username          TEXT NOT NULL,
        username_key      TEXT NOT NULL,
        email             TEXT,
        email_key         TEXT,
        display_name      TEXT NOT NULL DEFAULT '',
        password_hash     TEXT,
        auth_provider     TEXT NOT NULL CHECK (auth_provider IN ('local', 'remote')),
        is_admin          BIGINT NOT NULL DEFAULT 0,
        granted           TEXT NOT NULL DEFAULT '',
        denied            TEXT NOT NULL DEFAULT '',
        org_id            BIGINT,
        created_at_us     BIGINT NOT NULL,
        last_login_at_us  BIGINT,
        deactivated_at_us BIGINT,
        deleted_at_us     BIGINT
);
CREATE UNIQUE INDEX users_by_name ON users (username_key);
CREATE UNIQUE INDEX users_by_email ON users (email_key) WHERE email_key IS NOT NULL;
CREATE INDEX users_by_org ON users (org_id) WHERE org_id IS NOT NULL;

-- permissions: names separated by spaces; "*" is all, "job.*" all below job.
CREATE TABLE levels (
        level_id      BIGINT PRIMARY KEY,
        name          TEXT NOT NULL UNIQUE,
        description   TEXT NOT NULL DEFAULT '',
        priority      BIGINT NOT NULL,
        permissions   TEXT NOT NULL,
        is_system     BIGINT NOT NULL DEFAULT 0,
        created_at_us BIGINT NOT NULL
);
INSERT INTO levels (level_id, name, description, priority, permissions, is_system, created_at_us)
        VALUES (1, 'viewer', 'Sees its own jobs', 0, 'job.view.own config.view', 1, 0);
INSERT INTO levels (level_id, name, description, priority, permissions, is_system, created_at_us)
        VALUES (2, 'researcher', 'Trains', 10,
                'job.submit job.view.own job.cancel.own job.delete.own config.view config.create '
                || 'config.edit.own config.delete.own queue.view queue.cancel.own api.access '
                || 'api.keys.own', 1, 0);
INSERT INTO levels (level_id, name, description, priority, permissions, is_system, created_at_us)
        VALUES (3, 'lead', 'Looks after a team', 50,
                'job.submit job.view.own job.cancel.own job.delete.own config.view config.create '
                || 'config.edit.own config.delete.own queue.view queue.cancel.own api.access '
                || 'api.keys.own job.view.all job.priority.high queue.view.all queue.approve '
                || 'quota.view admin.approve admin.audit org.view team.view team.create team.edit '
                || 'team.manage.members team.manage.quotas', 1, 0);
INSERT INTO levels (level_id, name, description, priority, permissions, is_system, created_at_us)
        VALUES (4, 'admin', 'Does everything', 100, '*', 1, 0);

CREATE TABLE user_levels (
        user_id       BIGINT NOT NULL REFERENCES users (user_id),
        level_id      BIGINT NOT NULL REFERENCES levels (level_id),
        granted_by    TEXT NOT NULL,
        granted_at_us BIGINT NOT NULL,
        PRIMARY KEY (user_id, level_id)
);
CREATE INDEX user_levels_by_level ON user_levels (level_id);

-- What members of a level may name in a submission. applies_to: names of permissions separated by
-- spaces, '' for all.
CREATE TABLE resource_rules (
        rule_id       BIGINT PRIMARY KEY,
        name          TEXT NOT NULL,
        resource_type TEXT NOT NULL CHECK (resource_type IN
                ('config', 'hardware', 'provider', 'output_path')),
        pattern       TEXT NOT NULL,
        action        TEXT NOT NULL CHECK (action IN ('allow', 'deny')),
        priority      BIGINT NOT NULL DEFAULT 0,
        applies_to    TEXT NOT NULL DEFAULT '',
        description   TEXT NOT NULL DEFAULT '',
        created_at_us BIGINT NOT NULL
);
CREATE TABLE level_rules (
        level_id BIGINT NOT NULL REFERENCES levels (level_id),
        rule_id  BIGINT NOT NULL REFERENCES resource_rules (rule_id),
        PRIMARY KEY (level_id, rule_id)
);
CREATE INDEX level_rules_by_rule ON level_rules (rule_id);

-- The cookie's value is known to its holder only; session_id is what it is called in lists.
CREATE TABLE sessions (
        token_sha256  TEXT PRIMARY KEY,
        session_id    TEXT NOT NULL UNIQUE,
        user_id       BIGINT NOT NULL REFERENCES users (user_id),
        created_at_us BIGINT NOT NULL,
        seen_at_us    BIGINT NOT NULL,
        expires_at_us BIGINT NOT NULL,
        lifetime_s    BIGINT NOT NULL,
        client        TEXT NOT NULL,
        user_agent    TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at_us);
CREATE INDEX sessions_by_expiry ON sessions (expires_at_us);

-- scopes NULL: all that the user may; else names of permissions separated by spaces.
CREATE TABLE api_keys (
        key_id          BIGINT PRIMARY KEY,
        user_id         BIGINT NOT NULL REFERENCES users (user_id),
        name            TEXT NOT NULL,
        prefix          TEXT NOT NULL,
        key_sha256      TEXT NOT NULL UNIQUE,
        scopes          TEXT,
        created_at_us   BIGINT NOT NULL,
        expires_at_us   BIGINT,
        last_used_at_us BIGINT,
        revoked_at_us   BIGINT
);
CREATE INDEX api_keys_by_user ON api_keys (user_id, key_id);

-- Failed logins in a row by the name that was given, whether anybody has it or not.
CREATE TABLE login_failures (
        name_sha256 TEXT PRIMARY KEY,
        failures    BIGINT NOT NULL,
        failed_at_us BIGINT NOT NULL,
        until_us    BIGINT NOT NULL
);
CREATE INDEX login_failures_by_time ON login_failures (failed_at_us);

-- Organisations and their teams: their limits are ceilings for the members.
CREATE TABLE orgs (
        org_id        BIGINT PRIMARY KEY,
        name          TEXT NOT NULL UNIQUE,
        description   TEXT NOT NULL DEFAULT '',
        created_at_us BIGINT NOT NULL
);
CREATE TABLE teams (
        team_id       BIGINT PRIMARY KEY,
        org_id        BIGINT NOT NULL REFERENCES orgs (org_id),
        name          TEXT NOT NULL,
        description   TEXT NOT NULL DEFAULT '',
        created_at_us BIGINT NOT NULL,
        UNIQUE (org_id, name)
);
CREATE TABLE team_members (
        team_id BIGINT NOT NULL REFERENCES teams (team_id),
        user_id BIGINT NOT NULL REFERENCES users (user_id),
        PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_members_by_user ON team_members (user_id);
