-- Reports whether a column is NOT NULL and has its own valid unique index.
SELECT EXISTS (
    SELECT FROM pg_attribute AS a
    JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indkey::text = a.attnum::text
    WHERE a.attrelid = 'public.items'::regclass AND a.attname = 'uuid' AND a.attnotnull
      AND i.indisunique AND i.indisvalid
)
