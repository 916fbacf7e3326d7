-- Returns a line for each object in schema $1 that up or down could create, change or leave, without what differs between
-- equal databases: oids, numbers of columns, sizes. It omits the column option pg_attver, which PostgreSQL 15.20 writes on
-- every column with a new number for each definition, uuid_generate_v7(), which stays after down, and whether a partition's NOT NULL is
-- its own too (PostgreSQL 18 and later): it is after ADD PRIMARY KEY USING INDEX.
WITH relation AS (
    SELECT c.*, quote_ident(c.relname) AS name
    FROM pg_class c WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND c.relkind <> 't'
)
SELECT format('relation %s %s %s owner %s options %s identity %s rls %s %s acl %s', name, relkind, relpersistence,
              pg_get_userbyid(relowner), reloptions, relreplident, relrowsecurity, relforcerowsecurity, relacl)
FROM relation
UNION ALL
SELECT format('column %s.%I %s collation %s notnull %s default %s identity %s generated %s storage %s statistics %s options %s acl %s',
              name, attname, format_type(atttypid, atttypmod), attcollation::regcollation, attnotnull,
              pg_get_expr(adbin, adrelid), attidentity, attgenerated, attstorage,
              CASE WHEN coalesce(attstattarget, -1) < 0 THEN -1 ELSE attstattarget END,
              ARRAY (SELECT o FROM unnest(attoptions) o WHERE o NOT LIKE 'pg\_attver=%' ORDER BY o), attacl)
FROM relation JOIN pg_attribute a ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum
WHERE relkind IN ('r', 'v', 'm', 'p', 'f')
UNION ALL
SELECT format('index %s valid %s ready %s live %s identity %s clustered %s tablespace %s', pg_get_indexdef(indexrelid),
              indisvalid, indisready, indislive, indisreplident, indisclustered, reltablespace)
FROM relation JOIN pg_index ON indexrelid = relation.oid
UNION ALL
SELECT format('index column %s %s statistics %s', name, attnum, attstattarget)
FROM relation JOIN pg_attribute a ON attrelid = relation.oid WHERE relkind IN ('i', 'I') AND attstattarget >= 0 AND NOT attisdropped
UNION ALL
SELECT format('constraint %s %I %s validated %s index %s own %s', name, conname, pg_get_constraintdef(k.oid), convalidated,
              CASE WHEN contype = 'f' THEN conindid::regclass END, CASE WHEN contype <> 'n' THEN conislocal END)
FROM relation JOIN pg_constraint k ON conrelid = relation.oid
UNION ALL
SELECT format('index %s attached to %s', name, inhparent::regclass)
FROM relation JOIN pg_inherits ON inhrelid = relation.oid WHERE relkind IN ('i', 'I')
UNION ALL
SELECT format('sequence %s %s from %s by %s of %s', name, format_type(seqtypid, NULL), seqstart, seqincrement,
              (SELECT pg_describe_object(refclassid, refobjid, refobjsubid) FROM pg_depend d
               WHERE d.classid = 'pg_class'::regclass AND d.objid = relation.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0))
FROM relation JOIN pg_sequence ON seqrelid = relation.oid
UNION ALL
SELECT format('comment %s: %s', pg_describe_object(classoid, objoid, objsubid), description)
FROM pg_description
WHERE classoid = 'pg_class'::regclass AND objoid IN (SELECT oid FROM relation)
   OR classoid = 'pg_constraint'::regclass AND objoid IN (SELECT k.oid FROM pg_constraint k WHERE k.conrelid IN (SELECT oid FROM relation))
UNION ALL
SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), tgenabled)
FROM relation JOIN pg_trigger t ON tgrelid = relation.oid WHERE NOT tgisinternal
UNION ALL
SELECT format('rule %s enabled %s', pg_get_ruledef(w.oid), ev_enabled)
FROM relation JOIN pg_rewrite w ON ev_class = relation.oid
UNION ALL
SELECT format('policy %s %I %s', name, polname, pg_get_expr(polqual, polrelid))
FROM relation JOIN pg_policy ON polrelid = relation.oid
UNION ALL
SELECT format('statistics %s', pg_get_statisticsobjdef(x.oid))
FROM relation JOIN pg_statistic_ext x ON stxrelid = relation.oid
UNION ALL
SELECT format('publication %I %s columns %s', pubname, name, to_jsonb(r) ->> 'prattrs')
FROM relation JOIN pg_publication_rel r ON prrelid = relation.oid JOIN pg_publication p ON p.oid = prpubid
UNION ALL
SELECT format('function %s %s acl %s', p.oid::regprocedure, md5(pg_get_functiondef(p.oid)), proacl)
FROM pg_proc p
WHERE pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND prokind <> 'a'
  AND NOT (proname = 'uuid_generate_v7' AND pronargs = 0)
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT format('type %s %s', typname, typtype)
FROM pg_type t
WHERE typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND typrelid = 0 AND typelem = 0
UNION ALL
SELECT format('schema %s owner %s acl %s', nspname, pg_get_userbyid(nspowner), nspacl)
FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('rekey', 'information_schema')
ORDER BY 1
