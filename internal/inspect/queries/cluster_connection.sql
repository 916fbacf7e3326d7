-- Reports whether the coordinator can connect to the node at host $1 and port $2.
SELECT citus_check_connection_to_node($1, $2::int4)
