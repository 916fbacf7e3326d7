CREATE TABLE public.items (
    id          bigserial PRIMARY KEY,
    account_id  bigint NOT NULL,
    kind        text NOT NULL,
    title       text NOT NULL,
    amount      numeric(12,2) NOT NULL,
    details     jsonb NOT NULL,
    inserted_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    updated_at  timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')
);
