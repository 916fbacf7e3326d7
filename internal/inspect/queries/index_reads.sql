-- Returns the number of scans of the indexes of the tables $1 since the time $2. From version 16 on an index that was last
-- read before that time has none; before, the number is that since the server's statistics were reset.
SELECT s.indexrelid::int8                                      AS index,
       CASE WHEN current_setting('server_version_num')::int >= 160000 AND coalesce((j.row ->> 'last_idx_scan')::timestamptz, '-infinity') < $2::timestamptz
            THEN 0 ELSE s.idx_scan END::int8                   AS scans
FROM pg_stat_all_indexes s
CROSS JOIN LATERAL (SELECT to_jsonb(s) AS row OFFSET 0) j
WHERE s.relid = ANY ($1::oid[])
ORDER BY 1
