package discover

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// keeping is a table in which a program keeps its own books: which migrations ran, which jobs wait. A uuid
// in it is of no use to the application, and a column more may break the program.
type keeping struct {
	who string
	// shapes are the columns that the table has, in lower case, for a name that an application may well use
	// itself: one of them fits. A name that nobody else uses needs none.
	shapes [][]string
}

// bookkeeper names the program whose books a table is; "" is an application's.
func bookkeeper(schema string, table *catalog.Table) string {
	if who, ok := registries()[schema]; ok {
		return who
	}
	k, ok := distinct()[strings.ToLower(table.Name)]
	if ok {
		return k
	}
	for _, k := range common()[strings.ToLower(table.Name)] {
		if slices.ContainsFunc(k.shapes, func(shape []string) bool { return shaped(table, shape) }) {
			return k.who
		}
	}
	return ""
}

// shaped reports whether a table has the columns of a shape and no other, but for one that rekey or somebody
// else may have added.
func shaped(table *catalog.Table, shape []string) bool {
	const added = 1
	names := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		names[i] = strings.ToLower(c.Name)
	}
	return len(names) <= len(shape)+added && !slices.ContainsFunc(shape, func(name string) bool { return !slices.Contains(names, name) })
}

// registries are schemas that belong to one program, by their usual names.
func registries() map[string]string {
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

// distinct are names that nobody but one program uses, in lower case: some programs write capitals.
func distinct() map[string]string {
	return map[string]string{
		"schema_migrations":           "a migrator", // Rails, Ecto, golang-migrate, dbmate
		"goose_db_version":            "goose",
		"flyway_schema_history":       "Flyway",
		"ar_internal_metadata":        "Rails",
		"atlas_schema_revisions":      "Atlas",
		"knex_migrations":             "Knex",
		"knex_migrations_lock":        "Knex",
		"django_migrations":           "Django",
		"south_migrationhistory":      "South",
		"databasechangelog":           "Liquibase",
		"databasechangeloglock":       "Liquibase",
		"databasechangeloghistory":    "Liquibase",
		"alembic_version":             "Alembic",
		"migrate_version":             "SQLAlchemy Migrate",
		"gorp_migrations":             "sql-migrate",
		"gorp_lock":                   "sql-migrate",
		"bun_migrations":              "bun",
		"bun_migration_locks":         "bun",
		"gopg_migrations":             "go-pg",
		"darwin_migrations":           "darwin",
		"schema_migration":            "Pop",
		"_prisma_migrations":          "Prisma",
		"__efmigrationshistory":       "Entity Framework",
		"__ef_migrations_history":     "Entity Framework",
		"__migrationhistory":          "Entity Framework",
		"sequelizemeta":               "Sequelize",
		"sequelizedata":               "Sequelize",
		"typeorm_metadata":            "TypeORM",
		"typeorm_migrations":          "TypeORM",
		"pgmigrations":                "node-pg-migrate",
		"pgmigrate_migrations":        "pgmigrate",
		"mikro_orm_migrations":        "MikroORM",
		"mikro_orm_seeders":           "MikroORM",
		"kysely_migration":            "Kysely",
		"kysely_migration_lock":       "Kysely",
		"drizzle_migrations":          "Drizzle",
		"__drizzle_migrations":        "Drizzle",
		"adonis_schema":               "AdonisJS",
		"adonis_schema_versions":      "AdonisJS",
		"strapi_migrations":           "Strapi",
		"strapi_migrations_internal":  "Strapi",
		"directus_migrations":         "Directus",
		"payload_migrations":          "Payload",
		"__diesel_schema_migrations":  "Diesel",
		"_sqlx_migrations":            "SQLx",
		"seaql_migrations":            "SeaORM",
		"refinery_schema_history":     "Refinery",
		"movine_migrations":           "Movine",
		"doctrine_migration_versions": "Doctrine",
		"phinxlog":                    "Phinx",
		"cake_migrations":             "CakePHP",
		"_yoyo_migration":             "yoyo",
		"_yoyo_log":                   "yoyo",
		"_yoyo_version":               "yoyo",
		"_yoyo_lock":                  "yoyo",
		"yoyo_lock":                   "yoyo",
		"yoyo_migrations":             "yoyo",
		"migratehistory":              "peewee-migrate",
		"play_evolutions":             "Play",
		"play_evolutions_lock":        "Play",
		"schemaversions":              "DbUp",
		"_fluent_migrations":          "Fluent",
		"_fluent_enums":               "Fluent",
		"ragtime_migrations":          "Ragtime",
		"oban_jobs":                   "Oban",
		"oban_peers":                  "Oban",
		"oban_producers":              "Oban Pro",
		"oban_crons":                  "Oban Pro",
		"oban_queues":                 "Oban Pro",
		"river_job":                   "River",
		"river_leader":                "River",
		"river_queue":                 "River",
		"river_migration":             "River",
		"river_client":                "River",
		"river_client_queue":          "River",
		"part_config":                 "pg_partman",
		"part_config_sub":             "pg_partman",
	}
}

// common are names that an application may use for something of its own.
func common() map[string][]keeping {
	return map[string][]keeping{
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
