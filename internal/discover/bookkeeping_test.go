package discover_test

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
)

func with(name string, columns ...string) catalog.Table {
	t := table(name)
	for _, c := range columns {
		t.Columns = append(t.Columns, catalog.Column{Name: c})
	}
	return t
}

// TestBookkeepingOfMigrators checks that a table with a common name is a migrator's only if it has the migrator's columns.
func TestBookkeepingOfMigrators(t *testing.T) {
	for _, c := range []struct {
		schema string
		table  catalog.Table
		who    string // "" for a table of the application
	}{
		{"app", with("__diesel_schema_migrations", "version", "run_on"), "Diesel"},
		{"app", with("DATABASECHANGELOG", "ID", "AUTHOR"), "Liquibase"},
		{"app", with("SequelizeMeta", "name"), "Sequelize"},
		{"app", with("_sqlx_migrations", "version"), "SQLx"},
		{"app", with("kysely_migration_lock", "id", "is_locked"), "Kysely"},
		{"app", with("__drizzle_migrations", "id", "hash", "created_at"), "Drizzle"},
		{"app", with("migrations", "id", "migration", "batch"), "Laravel"},
		{"app", with("migrations", "id", "migration", "batch", "uuid"), "Laravel"},
		{"app", with("migrations", "id", "timestamp", "name"), "TypeORM"},
		{"app", with("migrations", "id", "user_id", "from_country", "to_country", "name", "timestamp"), ""},
		{"app", with("migrations"), ""},
		{"app", with("migration", "id", "species", "season"), ""},
		{"app", with("schema_version", "version"), "tern"},
		{"app", with("schema_version", "id", "document_id", "version", "body"), ""},
		{"app", with("changelog", "id", "title", "body", "published_at"), ""},
		{"app", with("CHANGELOG", "ID", "APPLIED_AT", "DESCRIPTION"), "MyBatis"},
		{"app", with("VersionInfo", "Version", "AppliedOn", "Description"), "FluentMigrator"},
		{"app", with("aerich", "id", "version", "app", "content"), "Aerich"},
		{"app", with("django_content_type", "id", "app_label", "model"), ""},
		{"app", with("events", "id"), ""},
		{"sqitch", with("events", "id"), "Sqitch"},
		{"pgroll", with("migrations", "schema", "name"), "pgroll"},
	} {
		s := catalog.Schema{Name: c.schema, Exists: true, Relations: []catalog.Table{c.table}}
		got := discover.Choose(s, discover.Filter{})[0]
		want := "the bookkeeping of " + c.who
		if c.who == "" && got.Decision != discover.Chosen || c.who != "" && (got.Reason != want || !got.OnlyIfNamed) {
			t.Errorf("%s.%s (%d columns): %s %q", c.schema, c.table.Name, len(c.table.Columns), got.Decision, got.Reason)
		}
		named := discover.Choose(s, discover.Filter{Tables: patterns(t, strings.ReplaceAll(c.table.Name, "*", `\*`))})[0]
		if named.Decision != discover.Chosen {
			t.Errorf("%s that is named: %s %q", c.table.Name, named.Decision, named.Reason)
		}
	}
}
