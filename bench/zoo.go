package main

import "strings"

// animal is a table of the run that compares forecast and actual. Its statements create and fill it; {rows} is its number of rows.
type animal struct {
	name    string
	rows    int64
	sql     string
	ordered bool // uuids in the order of creation
	linked  bool // up goes to phase linked
}

// statements returns the statements one by one.
func (a animal) statements() []string {
	var all []string
	for part := range strings.SplitSeq(a.sql, ";\n") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// usual has eight columns and four indexes, as the table of the other runs.
const usual = `
CREATE TABLE usual (id bigserial PRIMARY KEY, account_id bigint NOT NULL, kind text NOT NULL, title text NOT NULL, amount numeric(12,2) NOT NULL,
    details jsonb NOT NULL, inserted_at timestamp NOT NULL, updated_at timestamp NOT NULL);
INSERT INTO usual (account_id, kind, title, amount, details, inserted_at, updated_at)
SELECT n * 7919 % 50000, (ARRAY['order', 'refund', 'invoice', 'shipment'])[1 + n % 4], 'item number ' || n, (n % 100000) / 100.0,
       jsonb_build_object('source', 'web', 'campaign', n % 97, 'ip', '10.0.' || n % 256 || '.' || n / 256 % 256, 'tags', jsonb_build_array('a' || n % 13, 'b' || n % 17)),
       timestamp '2024-01-01' + n * interval '1 second', timestamp '2024-01-01' + n * interval '1 second'
FROM generate_series(1::bigint, {rows}) AS n;
CREATE INDEX ON usual (account_id);
CREATE INDEX ON usual (kind, inserted_at);
CREATE INDEX ON usual (inserted_at);
`

// zoo returns the tables, of every kind that costs something else.
func zoo() []animal {
	const narrow = `
CREATE TABLE narrow (id bigserial PRIMARY KEY, a bigint NOT NULL, b integer NOT NULL, done boolean NOT NULL);
INSERT INTO narrow (a, b, done) SELECT n * 7919 % 1000000, n % 100, n % 3 = 0 FROM generate_series(1::bigint, {rows}) AS n;
CREATE INDEX ON narrow (a);
`
	all := []animal{
		{name: "usual", rows: 500_000, sql: usual},
		{name: "ordered", rows: 500_000, sql: usual, ordered: true},
		{name: "narrow", rows: 500_000, sql: narrow},
		{name: "wide", rows: 60_000, sql: `
CREATE TABLE wide (id bigserial PRIMARY KEY, body text NOT NULL, note text);
INSERT INTO wide (body, note) SELECT repeat('x', 700 + (n % 600)::int), 'note ' || n FROM generate_series(1::bigint, {rows}) AS n;
CREATE INDEX ON wide (note)`},
		{name: "very-wide", rows: 30_000, sql: `
CREATE TABLE very_wide (id bigserial PRIMARY KEY, body text NOT NULL);
ALTER TABLE very_wide ALTER body SET STORAGE PLAIN;
INSERT INTO very_wide (body) SELECT repeat('x', 1500 + (n % 500)::int) FROM generate_series(1::bigint, {rows}) AS n`},
		{name: "toast", rows: 30_000, sql: `
CREATE TABLE toast (id bigserial PRIMARY KEY, kind text NOT NULL, body jsonb NOT NULL);
ALTER TABLE toast ALTER body SET STORAGE EXTERNAL;
INSERT INTO toast (kind, body) SELECT 'k' || n % 9, jsonb_build_object('text', repeat('x', 3000), 'n', n) FROM generate_series(1::bigint, {rows}) AS n`},
		{name: "indexes", rows: 250_000, sql: `
CREATE TABLE indexes (id bigserial PRIMARY KEY, a integer, b integer, c integer, d integer, e text, f text, g timestamptz);
INSERT INTO indexes (a, b, c, d, e, f, g)
SELECT n * 7919 % 100003, n * 104729 % 99991, n % 50, n, 'name ' || n * 31 % 100000, md5(n::text), timestamptz '2024-01-01 UTC' + n * interval '1 minute'
FROM generate_series(1::bigint, {rows}) AS n;
CREATE INDEX ON indexes (a);
CREATE INDEX ON indexes (b);
CREATE INDEX ON indexes (c);
CREATE INDEX ON indexes (d);
CREATE INDEX ON indexes (e);
CREATE INDEX ON indexes (f);
CREATE INDEX ON indexes (g)`},
	}
	return append(all, unusual()...)
}

// unusual returns tables whose pages, rows or state are not those of a table that only grows.
func unusual() []animal {
	return []animal{
		{name: "fillfactor", rows: 250_000, sql: `
CREATE TABLE fillfactor (id bigserial PRIMARY KEY, a integer NOT NULL, body text NOT NULL) WITH (fillfactor = 70);
INSERT INTO fillfactor (a, body) SELECT n * 7919 % 100003, repeat('x', 100 + (n % 50)::int) FROM generate_series(1::bigint, {rows}) AS n;
CREATE INDEX ON fillfactor (a)`},
		{name: "shuffled", rows: 400_000, sql: `
CREATE TABLE shuffled (id bigint PRIMARY KEY, a integer NOT NULL, body text NOT NULL);
INSERT INTO shuffled SELECT (n * 104729) % 1000003, n % 1000, repeat('x', 40 + (n % 40)::int) FROM generate_series(1::bigint, {rows}) AS n;
CREATE INDEX ON shuffled (a)`},
		{name: "small", rows: 20_000, sql: `
CREATE TABLE small (id bigserial PRIMARY KEY, a integer NOT NULL, body text NOT NULL);
INSERT INTO small (a, body) SELECT n % 100, repeat('x', 40) FROM generate_series(1::bigint, {rows}) AS n`},
		{name: "deleted", rows: 400_000, sql: `
CREATE TABLE deleted (id bigserial PRIMARY KEY, a integer NOT NULL, body text NOT NULL);
INSERT INTO deleted (a, body) SELECT n * 7919 % 100003, repeat('x', 100 + (n % 50)::int) FROM generate_series(1::bigint, {rows}) AS n;
CREATE INDEX ON deleted (a);
DELETE FROM deleted WHERE id * 7919 % 10 < 3`},
		{name: "half", rows: 400_000, sql: `
CREATE TABLE half (id bigserial PRIMARY KEY, a integer NOT NULL, body text NOT NULL, uuid uuid);
INSERT INTO half (a, body, uuid) SELECT n * 7919 % 100003, repeat('x', 60 + (n % 50)::int), CASE WHEN n > {rows} / 2 THEN
    overlay(overlay(gen_random_uuid()::text placing '7' from 15) placing '0190' from 1)::uuid END FROM generate_series(1::bigint, {rows}) AS n;
CREATE INDEX ON half (a)`},
		{name: "indexed", rows: 200_000, sql: `
CREATE TABLE indexed (id bigserial PRIMARY KEY, a integer NOT NULL, body text NOT NULL, uuid uuid);
INSERT INTO indexed (a, body) SELECT n * 7919 % 100003, repeat('x', 60 + (n % 50)::int) FROM generate_series(1::bigint, {rows}) AS n;
CREATE INDEX ON indexed (a);
CREATE INDEX ON indexed (a, uuid)`},
		{name: "partitioned", rows: 300_000, sql: `
CREATE TABLE parted (id bigint NOT NULL, a integer NOT NULL, body text NOT NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100000);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (100000) TO (200000);
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM (200000) TO (900000000);
INSERT INTO parted SELECT n, n * 7919 % 100003, repeat('x', 60 + (n % 50)::int) FROM generate_series(1::bigint, {rows}) AS n;
CREATE INDEX ON parted (a)`},
		{name: "linked", rows: 300_000, linked: true, sql: `
CREATE TABLE parent (id bigserial PRIMARY KEY, name text NOT NULL);
INSERT INTO parent (name) SELECT 'name ' || n FROM generate_series(1::bigint, {rows} / 10) AS n;
CREATE TABLE child (id bigserial PRIMARY KEY, parent_id bigint NOT NULL REFERENCES parent, a integer NOT NULL, body text NOT NULL);
INSERT INTO child (parent_id, a, body) SELECT 1 + n * 7919 % ({rows} / 10), n % 100, repeat('x', 40 + (n % 40)::int) FROM generate_series(1::bigint, {rows}) AS n;
CREATE INDEX ON child (parent_id)`},
	}
}
