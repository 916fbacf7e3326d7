-- A small shop in the schema app: what the tutorials and the recording work on.
CREATE SCHEMA app;

CREATE TABLE app.customers (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	email text NOT NULL UNIQUE,
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app.orders (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES app.customers,
	status text NOT NULL DEFAULT 'new',
	inserted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON app.orders (customer_id);

CREATE TABLE app.order_items (
	order_id bigint REFERENCES app.orders,
	line integer,
	sku text NOT NULL,
	PRIMARY KEY (order_id, line)
);

-- The bookkeeping of a migrator, and a view: rekey skips both.
CREATE TABLE app.schema_migrations (version bigint PRIMARY KEY);
CREATE VIEW app.open_orders AS SELECT * FROM app.orders WHERE status <> 'done';

INSERT INTO app.customers (email, created_at)
SELECT 'customer' || n || '@example.com', timestamptz '2024-01-01 00:00:00Z' + n * interval '37 minutes'
FROM generate_series(1, 20000) n;

INSERT INTO app.orders (customer_id, status, inserted_at)
SELECT 1 + n % 20000, 'done', timestamptz '2024-06-01 00:00:00Z' + n * interval '41 seconds'
FROM generate_series(1, 50000) n;

INSERT INTO app.order_items (order_id, line, sku)
SELECT o, line, 'sku-' || (o * line) % 1000
FROM generate_series(1, 50000) o, generate_series(1, 2) line;

ANALYZE app.customers, app.orders, app.order_items;
