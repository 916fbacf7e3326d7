-- So many bytes of WAL, $1, in messages that nobody reads.
SELECT count(pg_logical_emit_message(false, 'bench', repeat('x', ($1::int8 / 128)::int)))
FROM generate_series(1, 128)
