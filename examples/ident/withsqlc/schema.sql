-- Only what sqlc needs to know of the table; the default is rekey's.
CREATE TABLE users (
    id    bigserial PRIMARY KEY,
    uuid  uuid NOT NULL,
    email text NOT NULL
);

-- As in rekey's phase linked. user_uuid may be NULL until the phase is reached.
CREATE TABLE orders (
    id        bigserial PRIMARY KEY,
    user_id   bigint NOT NULL,
    user_uuid uuid,
    total     bigint NOT NULL
);
