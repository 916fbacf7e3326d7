package discover

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// bookkeeping describes a table in which a program records its own state, such as the migrations that ran or the jobs that
// wait. The application has no use for a uuid there, and another column can break the program.
type bookkeeping struct {
	program string
	// shapes are the lists of columns, in lower case, that the table can have.
	shapes [][]string
}

// bookkeepingOf returns the program whose bookkeeping a table is; "" for a table of the application.
func bookkeepingOf(schema string, table *catalog.Table) string {
	if who, ok := programSchemas()[schema]; ok {
		return who
	}
	name := strings.ToLower(table.Name)
	for who, names := range uniqueNames() {
		if slices.Contains(strings.Fields(names), name) {
			return who
		}
	}
	for _, k := range sharedNames()[name] {
		if slices.ContainsFunc(k.shapes, func(shape []string) bool { return hasShape(table, shape) }) {
			return k.program
		}
	}
	return ""
}

// hasShape reports whether a table has the columns of a shape and no others, except for one column that rekey or a user may
// have added.
func hasShape(table *catalog.Table, shape []string) bool {
	const added = 1
	names := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		names[i] = strings.ToLower(c.Name)
	}
	return len(names) <= len(shape)+added && !slices.ContainsFunc(shape, func(name string) bool { return !slices.Contains(names, name) })
}

// programSchemas returns the schemas that belong to one program, by their usual names.
func programSchemas() map[string]string {
	return map[string]string{
		"sqitch":                 "Sqitch",
		"pgroll":                 "pgroll",
		"graphile_migrate":       "Graphile Migrate",
		"graphile_worker":        "Graphile Worker",
		"hdb_catalog":            "Hasura",
		"drizzle":                "Drizzle",
		"supabase_migrations":    "Supabase",
		"atlas_schema_revisions": "Atlas",
		"pgboss":                 "pg-boss",
		"partman":                "pg_partman",
	}
}

// uniqueNames returns, for each program, the table names that only it uses, in lower case since some programs write
// capitals. "A migrator" is Rails, Ecto, golang-migrate or dbmate.
func uniqueNames() map[string]string {
	return map[string]string{
		"a migrator":         "schema_migrations",
		"goose":              "goose_db_version",
		"Flyway":             "flyway_schema_history",
		"Rails":              "ar_internal_metadata",
		"Atlas":              "atlas_schema_revisions",
		"Knex":               "knex_migrations knex_migrations_lock",
		"Django":             "django_migrations",
		"South":              "south_migrationhistory",
		"Liquibase":          "databasechangelog databasechangeloglock databasechangeloghistory",
		"Alembic":            "alembic_version",
		"SQLAlchemy Migrate": "migrate_version",
		"sql-migrate":        "gorp_migrations gorp_lock",
		"bun":                "bun_migrations bun_migration_locks",
		"go-pg":              "gopg_migrations",
		"darwin":             "darwin_migrations",
		"Pop":                "schema_migration",
		"Prisma":             "_prisma_migrations",
		"Entity Framework":   "__efmigrationshistory __ef_migrations_history __migrationhistory",
		"Sequelize":          "sequelizemeta sequelizedata",
		"TypeORM":            "typeorm_metadata typeorm_migrations",
		"node-pg-migrate":    "pgmigrations",
		"pgmigrate":          "pgmigrate_migrations",
		"MikroORM":           "mikro_orm_migrations mikro_orm_seeders",
		"Kysely":             "kysely_migration kysely_migration_lock",
		"Drizzle":            "drizzle_migrations __drizzle_migrations",
		"AdonisJS":           "adonis_schema adonis_schema_versions",
		"Strapi":             "strapi_migrations strapi_migrations_internal",
		"Directus":           "directus_migrations",
		"Payload":            "payload_migrations",
		"Diesel":             "__diesel_schema_migrations",
		"SQLx":               "_sqlx_migrations",
		"SeaORM":             "seaql_migrations",
		"Refinery":           "refinery_schema_history",
		"Movine":             "movine_migrations",
		"Doctrine":           "doctrine_migration_versions",
		"Phinx":              "phinxlog",
		"CakePHP":            "cake_migrations",
		"yoyo":               "_yoyo_migration _yoyo_log _yoyo_version _yoyo_lock yoyo_lock yoyo_migrations",
		"peewee-migrate":     "migratehistory",
		"Play":               "play_evolutions play_evolutions_lock",
		"DbUp":               "schemaversions",
		"Fluent":             "_fluent_migrations _fluent_enums",
		"Ragtime":            "ragtime_migrations",
		"Oban":               "oban_jobs oban_peers",
		"Oban Pro":           "oban_producers oban_crons oban_queues",
		"River":              "river_job river_leader river_queue river_migration river_client river_client_queue",
		"pg_partman":         "part_config part_config_sub",
	}
}

// sharedNames returns table names that an application may use for something else.
func sharedNames() map[string][]bookkeeping {
	return map[string][]bookkeeping{
		"migrations": {
			{"Laravel", [][]string{{"id", "migration", "batch"}, {"migration", "batch"}}},
			{"TypeORM", [][]string{{"id", "timestamp", "name"}}},
			{"db-migrate", [][]string{{"id", "name", "run_on"}}},
			{"postgres-migrations", [][]string{{"id", "name", "hash", "executed_at"}}},
			{"Graphile Migrate", [][]string{{"hash", "previous_hash", "filename", "date"}}},
			{"CodeIgniter", [][]string{{"id", "version", "class", "group", "namespace", "time", "batch"}}},
			{"compas", [][]string{{"namespace", "number", "name", "createdat", "hash"}}},
			{"a migrator", [][]string{{"version"}, {"name"}, {"id", "name"}, {"id", "version"}, {"id", "name", "applied_at"}, {"version", "applied_at"}, {"name", "applied_at"}}},
		},
		"migration": {
			{"Yii", [][]string{{"version", "apply_time"}}},
			{"a migrator", [][]string{{"version"}, {"name"}, {"id", "name"}, {"version", "applied_at"}, {"name", "applied_at"}}},
		},
		"_migrations": {
			{"a migrator", [][]string{{"version"}, {"name"}, {"id", "name"}, {"id", "name", "applied_at"}, {"version", "name", "applied_at"}, {"name", "applied_at"}}},
		},
		"migration_versions": {{"Doctrine", [][]string{{"version"}, {"version", "executed_at"}, {"version", "executed_at", "execution_time"}}}},
		"migration_info":     {{"sql-migrate", [][]string{{"id", "applied_at"}}}},
		"migration_locks":    {{"a migrator", [][]string{{"id", "table_name"}, {"id", "is_locked"}}}},
		"schema_version": {
			{"tern", [][]string{{"version"}}},
			{"Flyway", [][]string{{"installed_rank", "version", "description", "type", "script", "checksum", "installed_by", "installed_on", "execution_time", "success"}}},
			{"a migrator", [][]string{{"version", "applied_at"}, {"id", "version"}}},
		},
		"schema_history": {{"Refinery", [][]string{{"version", "name", "applied_on", "checksum"}}}},
		"schema_info":    {{"Sequel", [][]string{{"version"}}}},
		"changelog": {
			{"MyBatis", [][]string{{"id", "applied_at", "description"}}},
			{"dbdeploy", [][]string{{"change_number", "complete_dt", "applied_by", "description"}}},
		},
		"versioninfo":        {{"FluentMigrator", [][]string{{"version", "appliedon", "description"}}}},
		"version_info":       {{"FluentMigrator", [][]string{{"version", "applied_on", "description"}}}},
		"aerich":             {{"Aerich", [][]string{{"id", "version", "app", "content"}}}},
		"scriptsrun":         {{"RoundhousE", [][]string{{"id", "version_id", "script_name", "text_of_script", "text_hash", "one_time_script", "entry_date", "modified_date", "entered_by"}}}},
		"jobrunr_migrations": {{"JobRunr", [][]string{{"id", "script", "installedon"}}}},
	}
}
