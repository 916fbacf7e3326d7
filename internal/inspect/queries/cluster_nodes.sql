-- Returns the nodes of the cluster, as this node knows them.
SELECT n.nodeid::int4                          AS id,
       n.groupid::int4                         AS "group",
       n.nodename::text                        AS host,
       n.nodeport::int4                        AS port,
       n.isactive                              AS active,
       n.noderole = 'primary'                  AS "primary",
       n.hasmetadata AND n.metadatasynced      AS synced,
       n.shouldhaveshards                      AS shards
FROM pg_dist_node n
WHERE n.nodecluster = current_setting('citus.cluster_name')
ORDER BY n.groupid, n.nodeid
