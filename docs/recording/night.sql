-- The database of the pictures: 2,000,000 orders, customers and products. Nothing is random.
CREATE SCHEMA app;

CREATE TABLE app.customers (
    id          bigserial PRIMARY KEY,
    name        text NOT NULL,
    inserted_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE app.products (
    id          bigserial PRIMARY KEY,
    title       text NOT NULL,
    inserted_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE app.orders (
    id          bigserial PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES app.customers,
    product_id  bigint NOT NULL REFERENCES app.products,
    amount      numeric(12,2) NOT NULL,
    details     jsonb NOT NULL,
    inserted_at timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

INSERT INTO app.customers (name, inserted_at)
SELECT 'customer ' || n, timestamptz '2024-01-01 00:00+00' + n * interval '10 minutes' FROM generate_series(1, 50000) n;
INSERT INTO app.products (title, inserted_at)
SELECT 'product ' || n, timestamptz '2024-01-01 00:00+00' + n * interval '1 hour' FROM generate_series(1, 5000) n;
INSERT INTO app.orders (customer_id, product_id, amount, details, inserted_at)
SELECT 1 + n * 7919 % 50000, 1 + n * 31 % 5000, n % 100000 / 100.0, jsonb_build_object('source', 'web', 'campaign', n % 97),
       timestamptz '2025-01-01 00:00+00' + n * interval '20 seconds'
FROM generate_series(1::bigint, 2000000) n;

CREATE INDEX orders_customer_idx ON app.orders (customer_id);
CREATE INDEX orders_inserted_idx ON app.orders (inserted_at);
