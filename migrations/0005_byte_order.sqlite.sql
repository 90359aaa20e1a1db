-- SQLite compares text by its bytes already.
SELECT 1;
