-- Uploads in parts are listed by the bytes of their keys, as objects are.
ALTER TABLE multiparts ALTER COLUMN object_key TYPE TEXT COLLATE "C";
