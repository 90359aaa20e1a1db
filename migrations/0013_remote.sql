-- Where the bytes of an object are when they are not in a file: "s3://bucket/name". Every object
-- has a name of its own there, which is never written twice.
ALTER TABLE objects ADD COLUMN remote TEXT NOT NULL DEFAULT '';

-- The name that an upload in parts will have there, and how it is called there meanwhile.
ALTER TABLE multiparts ADD COLUMN remote TEXT NOT NULL DEFAULT '';
ALTER TABLE multiparts ADD COLUMN remote_id TEXT NOT NULL DEFAULT '';

-- Names that no object has: on their way to one, or left by one. What is due is removed there.
CREATE TABLE remote_leftovers (
        url       TEXT PRIMARY KEY,
        remote_id TEXT NOT NULL,
        due_at_us BIGINT NOT NULL
);
CREATE INDEX remote_leftovers_by_due ON remote_leftovers (due_at_us);
