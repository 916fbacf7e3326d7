-- A function of the original's kind: plpgsql over pgcrypto's random bytes.
CREATE FUNCTION public.own_uuid_v7() RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    millis bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
    bytes  bytea  := decode(lpad(to_hex(millis), 12, '0'), 'hex') || public.gen_random_bytes(10);
BEGIN
    bytes := set_byte(bytes, 6, get_byte(bytes, 6) & 15 | 112);
    bytes := set_byte(bytes, 8, get_byte(bytes, 8) & 63 | 128);
    RETURN encode(bytes, 'hex')::uuid;
END
$$
