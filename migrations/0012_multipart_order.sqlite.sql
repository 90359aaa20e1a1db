-- SQLite sorts texts by their bytes already.
SELECT 1;
