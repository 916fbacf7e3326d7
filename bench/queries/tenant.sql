DO $$
BEGIN
    EXECUTE format('CREATE SCHEMA %%I', 'tenant_%[1]d');
    FOR n IN 1..%[2]d LOOP
        EXECUTE format('CREATE TABLE %%1$I.%%2$I (id bigserial PRIMARY KEY, note text)', 'tenant_%[1]d', 't' || n);
        EXECUTE format('INSERT INTO %%1$I.%%2$I (note) SELECT ''n'' FROM generate_series(1, %[3]d)', 'tenant_%[1]d', 't' || n);
    END LOOP;
END
$$
