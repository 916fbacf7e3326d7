-- Returns the replication slots, with the WAL in bytes that each retains, and how much more may be written until it loses WAL that it
-- needs. Every role may read this.
SELECT s.slot_name::text                                                       AS name,
       s.active                                                                AS active,
       coalesce(s.wal_status, '')                                              AS status,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 0)::int8 AS retained,
       coalesce(s.safe_wal_size, -1)::int8                                     AS spare
FROM pg_replication_slots s
WHERE NOT s.temporary
ORDER BY 1
