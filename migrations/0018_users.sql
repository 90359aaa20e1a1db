-- Pictures of users, at most 512 KB each, as base64: they are asked for by their users' numbers.
CREATE TABLE user_avatars (
        user_id       BIGINT PRIMARY KEY REFERENCES users (user_id),
        content_type  TEXT NOT NULL,
        bytes_base64  TEXT NOT NULL,
        updated_at_us BIGINT NOT NULL
);
CREATE INDEX teams_by_org ON teams (org_id);
