-- The WAL in bytes that each replication slot retains, and the slot's wal_status. Every role may read
-- this.
SELECT s.slot_name::text                                                          AS name,
       coalesce(s.wal_status, '')                                                 AS status,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 0)::int8    AS retained
FROM pg_replication_slots s
ORDER BY 1
