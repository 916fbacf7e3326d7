-- Only what sqlc needs to know of the table; the default is rekey's.
CREATE TABLE users (
    id    bigserial PRIMARY KEY,
    uuid  uuid NOT NULL,
    email text NOT NULL
);
