-- name: InsertUser :one
INSERT INTO users (uuid, email) VALUES ($1, $2) RETURNING id;

-- The cast takes every int64, also where the column is an integer.
-- name: UserByInteger :one
SELECT id, uuid, email FROM users WHERE id = sqlc.arg(id)::bigint;

-- name: UserByUUID :one
SELECT id, uuid, email FROM users WHERE uuid = $1;

-- rekey's trigger fills user_id.
-- name: InsertOrder :one
INSERT INTO orders (user_uuid, total) VALUES (sqlc.arg(user_uuid)::uuid, $1) RETURNING id;

-- name: OrdersByUserInteger :many
SELECT id, total FROM orders WHERE user_id = sqlc.arg(user_id)::bigint ORDER BY id;

-- name: OrdersByUserUUID :many
SELECT id, total FROM orders WHERE user_uuid = sqlc.arg(user_uuid)::uuid ORDER BY id;
