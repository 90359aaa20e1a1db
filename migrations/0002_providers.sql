-- Provider settings: one JSON object each, holding only what was set.
CREATE TABLE providers (
        provider      TEXT PRIMARY KEY,
        config        TEXT NOT NULL,
        updated_at_us BIGINT NOT NULL
);
