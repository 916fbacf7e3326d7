-- Only what sqlc needs to know of the table; the default is rekey's.
CREATE TABLE users (
    id    bigserial PRIMARY KEY,
    uuid  uuid NOT NULL,
    email text NOT NULL
);

-- In rekey's phase linked. sqlc must believe that both keys can be NULL, so that an INSERT may leave one out.
CREATE TABLE orders (
    id        bigserial PRIMARY KEY,
    user_id   bigint,
    user_uuid uuid,
    total     bigint NOT NULL
);
