-- Writes $1 bytes of WAL, in messages without a reader.
SELECT count(pg_logical_emit_message(false, 'bench', repeat('x', ($1::int8 / 128)::int)))
FROM generate_series(1, 128)
