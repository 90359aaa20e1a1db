-- A bucket holds the files of one job; its totals are kept beside every change of an object.
CREATE TABLE buckets (
        bucket            TEXT PRIMARY KEY,
        directory         TEXT NOT NULL,
        files             BIGINT NOT NULL DEFAULT 0,
        bytes             BIGINT NOT NULL DEFAULT 0,
        created_at_us     BIGINT NOT NULL,
        last_upload_at_us BIGINT
);
CREATE INDEX buckets_by_time ON buckets (created_at_us);
CREATE INDEX buckets_by_directory ON buckets (directory);

-- file_mtime_ns tells whether the file on disk is the one this row describes.
CREATE TABLE objects (
        bucket         TEXT NOT NULL REFERENCES buckets (bucket),
        object_key     TEXT NOT NULL,
        size_bytes     BIGINT NOT NULL,
        etag           TEXT NOT NULL,
        sha256         TEXT NOT NULL,
        content_type   TEXT NOT NULL,
        file_mtime_ns  BIGINT NOT NULL,
        modified_at_us BIGINT NOT NULL,
        PRIMARY KEY (bucket, object_key)
);

-- Large uploads on their way; a row that outlives its upload is swept by age.
CREATE TABLE uploads (
        upload_id     TEXT PRIMARY KEY,
        bucket        TEXT NOT NULL REFERENCES buckets (bucket),
        object_key    TEXT NOT NULL,
        started_at_us BIGINT NOT NULL
);
CREATE INDEX uploads_by_bucket ON uploads (bucket);
