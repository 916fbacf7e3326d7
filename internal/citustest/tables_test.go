package citustest_test

// tables has a table of each kind in schema app, and a schema tenant_a that is distributed as a whole.
const tables = `CREATE SCHEMA app;
SET citus.shard_count = 4;
CREATE TABLE app.accounts (tenant_id int NOT NULL, id bigserial, name text, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, id));
CREATE TABLE app.events (tenant_id int NOT NULL, id bigserial, account_id bigint, payload text, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, account_id) REFERENCES app.accounts (tenant_id, id));
CREATE TABLE app.countries (id bigserial PRIMARY KEY, name text, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE app.notes (id bigserial PRIMARY KEY, body text, country_id bigint REFERENCES app.countries (id), created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE app.plain (id bigserial PRIMARY KEY, body text);
CREATE TABLE app.single (id bigserial PRIMARY KEY, body text);
SELECT create_distributed_table('app.accounts', 'tenant_id');
SELECT create_distributed_table('app.events', 'tenant_id', colocate_with => 'app.accounts');
SELECT create_reference_table('app.countries');
SELECT citus_add_local_table_to_metadata('app.notes');
SELECT create_distributed_table('app.single', NULL, colocate_with => 'none');
INSERT INTO app.accounts (tenant_id, name, created_at) SELECT 1 + i % 50, 'a' || i, now() - (2000 - i) * interval '1 min' FROM generate_series(1, 2000) i;
INSERT INTO app.events (tenant_id, account_id, payload, created_at) SELECT a.tenant_id, a.id, 'p', a.created_at + g * interval '1 s' FROM app.accounts a, generate_series(1, 5) g;
INSERT INTO app.countries (name, created_at) SELECT 'c' || i, now() - (200 - i) * interval '1 day' FROM generate_series(1, 200) i;
INSERT INTO app.notes (body, country_id) SELECT 'n' || i, 1 + i % 200 FROM generate_series(1, 1000) i;
INSERT INTO app.plain (body) SELECT 'n' || i FROM generate_series(1, 1000) i;
INSERT INTO app.single (body) SELECT 'n' || i FROM generate_series(1, 1000) i;
SET citus.enable_schema_based_sharding = on;
CREATE SCHEMA tenant_a;
CREATE TABLE tenant_a.users (id bigserial PRIMARY KEY, name text, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE tenant_a.posts (id bigserial PRIMARY KEY, user_id bigint REFERENCES tenant_a.users (id), created_at timestamptz NOT NULL DEFAULT now());
INSERT INTO tenant_a.users (name) SELECT 'u' || i FROM generate_series(1, 500) i;
INSERT INTO tenant_a.posts (user_id) SELECT id FROM tenant_a.users;
RESET citus.enable_schema_based_sharding;
ANALYZE`

// refusedTables has a table of each kind that is refused, in schema odd.
const refusedTables = `CREATE SCHEMA odd;
SET citus.shard_count = 4;
CREATE TABLE odd.part (tenant_id int NOT NULL, id bigserial, at timestamptz NOT NULL, PRIMARY KEY (tenant_id, id, at)) PARTITION BY RANGE (at);
CREATE TABLE odd.part_1 PARTITION OF odd.part FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
SELECT create_distributed_table('odd.part', 'tenant_id');
CREATE TABLE odd.appended (id bigint, body text);
SELECT create_distributed_table('odd.appended', 'id', 'append');
CREATE TABLE odd.ranged (id bigint PRIMARY KEY, body text);
SELECT create_distributed_table('odd.ranged', 'id', 'range');
CREATE TABLE odd.keyless (body text);
SELECT create_reference_table('odd.keyless');
CREATE TABLE odd.tenants (tenant_id int PRIMARY KEY, body text);
SELECT create_distributed_table('odd.tenants', 'tenant_id');
CREATE TABLE odd.fine (tenant_id int, body text, created_at timestamptz);
SELECT create_distributed_table('odd.fine', 'tenant_id');
SET citus.shard_replication_factor = 2;
CREATE TABLE odd.replicated (tenant_id int, id bigserial, PRIMARY KEY (tenant_id, id));
SELECT create_distributed_table('odd.replicated', 'tenant_id', colocate_with => 'none')`
