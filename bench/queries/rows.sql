-- One row per second, the last one a day ago. Nothing is random: every run has the same data.
INSERT INTO public.items (account_id, kind, title, amount, details, inserted_at, updated_at)
SELECT n * 7919 % 50000,
       (ARRAY['order', 'refund', 'invoice', 'shipment'])[1 + n % 4],
       'item number ' || n,
       (n % 100000) / 100.0,
       jsonb_build_object('source', 'web', 'campaign', n % 97, 'ip', '10.0.' || n % 256 || '.' || n / 256 % 256,
                          'tags', jsonb_build_array('a' || n % 13, 'b' || n % 17)),
       t.at, t.at
FROM generate_series($1::bigint, $2::bigint) AS n
CROSS JOIN LATERAL (
    SELECT timestamp '2025-01-01' - interval '1 day' - ($3::bigint - n) * interval '1 second'
           + n % 1000 * interval '1 millisecond' AS at
) AS t
