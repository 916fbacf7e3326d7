-- Returns the versions of Citus, and the group of this node in the cluster: 0 is the coordinator. The library knows no version
-- alone, so that the text of its product is cut: "Citus 13.2.2 on x86_64-pc-linux-gnu, …".
SELECT coalesce(substring(citus_version() FROM '[0-9]+[.][0-9][0-9A-Za-z.]*'), '') AS library,
       e.extversion::text                                       AS extension,
       (SELECT g.groupid FROM pg_dist_local_group g LIMIT 1)    AS "group"
FROM pg_extension e
WHERE e.extname = 'citus'
