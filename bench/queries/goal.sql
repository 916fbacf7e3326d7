-- Whether there is a column that is NOT NULL and has a valid unique index of its own.
SELECT EXISTS (
    SELECT FROM pg_attribute AS a
    JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indkey::text = a.attnum::text
    WHERE a.attrelid = 'public.items'::regclass AND a.attname = 'uuid' AND a.attnotnull
      AND i.indisunique AND i.indisvalid
)
