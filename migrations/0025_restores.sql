-- Goes up when a backup is put back, so that every process learns that what it remembers is of
-- another database.
INSERT INTO counters (name, value) VALUES ('restore', 0);
