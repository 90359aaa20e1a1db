-- What an S3 client says of an object comes back with it. metadata: a JSON object of header names in
-- lower case; tags: one of tag names. checksum is base64, with "-N" when it is one of N parts'
-- checksums. part_sizes ("8388608x127 1024") tells how an object of several parts was put together;
-- its sha256 is then "".
ALTER TABLE objects ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE objects ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';
ALTER TABLE objects ADD COLUMN checksum_kind TEXT NOT NULL DEFAULT '';
ALTER TABLE objects ADD COLUMN checksum TEXT NOT NULL DEFAULT '';
ALTER TABLE objects ADD COLUMN part_sizes TEXT NOT NULL DEFAULT '';

-- Who made a bucket; '' for the bucket of a job.
ALTER TABLE buckets ADD COLUMN owner TEXT NOT NULL DEFAULT '';

-- Uploads in parts. bytes is the sum of the parts. A finished one stays for a while with the ETag of
-- its object, so that a client that did not hear the answer may ask again.
CREATE TABLE multiparts (
        upload_id      TEXT PRIMARY KEY,
        bucket         TEXT NOT NULL REFERENCES buckets (bucket),
        object_key     TEXT NOT NULL,
        content_type   TEXT NOT NULL,
        metadata       TEXT NOT NULL,
        tags           TEXT NOT NULL,
        checksum_kind  TEXT NOT NULL,
        checksum_type  TEXT NOT NULL,
        bytes          BIGINT NOT NULL DEFAULT 0,
        started_at_us  BIGINT NOT NULL,
        touched_at_us  BIGINT NOT NULL,
        completed_etag TEXT
);
CREATE INDEX multiparts_by_key ON multiparts (bucket, object_key, upload_id);
CREATE INDEX multiparts_by_touch ON multiparts (touched_at_us);

-- file is the name of the part's file in the upload's directory: another one for each attempt.
CREATE TABLE parts (
        upload_id      TEXT NOT NULL REFERENCES multiparts (upload_id),
        part_number    BIGINT NOT NULL,
        file           TEXT NOT NULL,
        size_bytes     BIGINT NOT NULL,
        etag           TEXT NOT NULL,
        checksum       TEXT NOT NULL,
        modified_at_us BIGINT NOT NULL,
        PRIMARY KEY (upload_id, part_number)
);
