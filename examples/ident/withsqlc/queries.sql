-- name: InsertUser :one
INSERT INTO users (uuid, email) VALUES ($1, $2) RETURNING id;

-- The cast takes every int64, also where the column is an integer.
-- name: UserByInteger :one
SELECT id, uuid, email FROM users WHERE id = sqlc.arg(id)::bigint;

-- name: UserByUUID :one
SELECT id, uuid, email FROM users WHERE uuid = $1;
