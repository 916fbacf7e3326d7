-- What a server and all that follow it have in common, and no other server has.
SELECT system_identifier::text FROM pg_control_system()
