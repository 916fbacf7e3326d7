-- Returns the sizes of the tables $1 and what the statistics know about their rows. "vacuuming" is hidden from a role without
-- pg_read_all_stats, unless its own session runs the VACUUM. "cluster" says that the database has Citus.
SELECT c.oid::int8                                             AS relation,
       pg_table_size(c.oid)                                    AS bytes,
       coalesce(pg_stat_get_dead_tuples(c.oid), 0)::float8     AS dead,
       c.reltuples < 0 OR c.relpages = 0                       AS never_counted,
       CASE WHEN c.relkind = 'r' THEN age(c.relfrozenxid) ELSE 0 END::int8 AS frozen_age,
       CASE WHEN c.relkind = 'r' THEN mxid_age(c.relminmxid) ELSE 0 END::int8 AS multi_age,
       EXISTS (SELECT FROM pg_stat_progress_vacuum p WHERE p.relid = c.oid) AS vacuuming,
       CASE WHEN c.reltablespace <> 0 THEN c.reltablespace
            ELSE (SELECT d.dattablespace FROM pg_database d WHERE d.datname = current_database()) END::int8 AS tablespace,
       to_regclass('pg_dist_partition') IS NOT NULL             AS cluster
FROM pg_class c
WHERE c.oid = ANY ($1::oid[])
