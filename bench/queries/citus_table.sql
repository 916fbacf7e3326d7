CREATE TABLE public.items (
    tenant_id int NOT NULL,
    id bigserial,
    payload text NOT NULL,
    inserted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
)
