-- Object keys and paths sort by their bytes, whatever the locale of the database.
ALTER TABLE objects ALTER COLUMN object_key TYPE TEXT COLLATE "C";
ALTER TABLE buckets ALTER COLUMN directory TYPE TEXT COLLATE "C";
