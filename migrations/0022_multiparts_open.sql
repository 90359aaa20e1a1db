-- Uploads in parts that are under way, without those that are finished.
CREATE INDEX multiparts_open ON multiparts (upload_id) WHERE completed_etag IS NULL;
