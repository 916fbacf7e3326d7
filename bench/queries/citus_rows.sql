-- Inserts the rows $1 to $2 of $3, of 10,000 tenants. They are generated on the coordinator.
INSERT INTO public.items (tenant_id, payload, inserted_at)
SELECT n % 10000, repeat('p', 100), '2026-01-01'::timestamptz + (n::float8 / $3::bigint) * interval '300 days'
FROM generate_series($1::bigint, $2::bigint) AS n
