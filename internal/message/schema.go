package message

import "github.com/rekey-pg/rekey/problem"

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// NoSchema is a prefix that names no schema.
func NoSchema(schema string, elsewhere []string) *problem.Problem {
	return refused("no_schema", "", fmt.Sprintf("there is no schema %q", schema), found(elsewhere), use(elsewhere))
}

// NoVersionTable is a schema without the profile's version table.
func NoVersionTable(schema, table string, elsewhere []string) *problem.Problem {
	return refused("no_version_table", "", fmt.Sprintf("there is no table %s in schema %q", table, schema), found(elsewhere), use(elsewhere))
}

func found(elsewhere []string) string {
	if len(elsewhere) == 0 {
		return "No schema of this database has one."
	}
	const most = 10
	if more := len(elsewhere) - most; more > 0 {
		return fmt.Sprintf("These schemas have one: %s and %d more.", strings.Join(elsewhere[:most], ", "), more)
	}
	return "These schemas have one: " + strings.Join(elsewhere, ", ") + "."
}

// NoPrefixMatches is a pattern for prefixes that matches schemas, of which none has the profile's version table.
func NoPrefixMatches(pattern, table string, elsewhere []string) *problem.Problem {
	return refused("no_version_table", "", fmt.Sprintf("there is no table %s in any schema that matches %q", table, pattern), found(elsewhere), use(elsewhere))
}

func use(elsewhere []string) string {
	if len(elsewhere) == 0 {
		return "Is this the right database? Look at --database-url."
	}
	return fmt.Sprintf("Try: --prefix '%s'", strings.ReplaceAll(elsewhere[0], "'", `'\''`))
}

// NoUsage is a schema that the role may not look into.
func NoUsage(schema, role string) *problem.Problem {
	return refused("no_usage", "", fmt.Sprintf("role %s may not use schema %q", role, schema), "Without USAGE nothing in it can be named.",
		fmt.Sprintf("Let a DBA run: GRANT USAGE, CREATE ON SCHEMA %s TO %s;", sqltext.Ident(schema), sqltext.Ident(role)))
}

// NoCreate is a schema in which the role may not create the function and the indexes.
func NoCreate(schema, quotedSchema, role, quotedRole string) *problem.Problem {
	return refused("no_create", "", fmt.Sprintf("role %s may not create in schema %q", role, schema),
		"The function and the indexes are created there.",
		fmt.Sprintf("Let a DBA run: GRANT CREATE ON SCHEMA %s TO %s;", quotedSchema, quotedRole))
}

// NoTablespace is a default tablespace in which the role may not create the indexes.
func NoTablespace(tablespace, role string) *problem.Problem {
	return refused("no_tablespace", "", fmt.Sprintf("role %s may not create in tablespace %s", role, tablespace),
		"It is the role's default_tablespace, and the indexes are created there.",
		fmt.Sprintf("Let a DBA run: GRANT CREATE ON TABLESPACE %s TO %s; or: ALTER ROLE %s SET default_tablespace = '';", tablespace, role, role))
}

// NoJournalSchema is a missing schema rekey that the role may not create.
func NoJournalSchema(role, database string) *problem.Problem {
	return refused("no_journal_schema", "", "schema rekey, where the journal lives, is missing and the role may not create it",
		"It tells another run that this one is at work, and keeps what only a run knows.",
		fmt.Sprintf("Let a DBA run: CREATE SCHEMA rekey AUTHORIZATION %s;  or: GRANT CREATE ON DATABASE %s TO %s;", role, database, role))
}

// NoJournalRights is a schema rekey that belongs to another role.
func NoJournalRights(role, owner string) *problem.Problem {
	return refused("no_journal_rights", "", "the role may not write the journal in schema rekey", "It belongs to "+owner+".",
		fmt.Sprintf("Let a DBA run: GRANT USAGE, CREATE ON SCHEMA rekey TO %s; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rekey TO %s;", role, role))
}

// JournalOf is a schema rekey in which something belongs to a role that the running one does not trust, or
// is not rekey's own.
func JournalConflict(found []catalog.Object, role string) *problem.Problem {
	first := found[0]
	about := fmt.Sprintf("%s belongs to %s, whose code does not run as %s", first.Name, first.Owner.Name, role)
	hint := fmt.Sprintf("Connect as %s: --database-url postgres://%s@..; or, if rekey did not make it, let a DBA rename the schema: ALTER SCHEMA rekey RENAME TO another_name; or, if you trust its owner: --trust-owner %s",
		first.Owner.Name, shell(first.Owner.Name), shell(first.Owner.Name))
	if first.Fault != "" {
		about = fmt.Sprintf("%s of %s is not the journal's: %s", first.Name, first.Owner.Name, first.Fault)
		hint = "The journal needs the schema rekey for itself: drop what is not its own, or let a DBA rename the schema: ALTER SCHEMA rekey RENAME TO another_name; then run the same command again."
	}
	detail := "Nothing in the schema was read or written: that would run its owner's code."
	if len(found) > 1 {
		detail += fmt.Sprintf(" The same holds for %d more objects in it.", len(found)-1)
	}
	return refused("journal_conflict", "", about, detail, hint)
}

// kit is what a profile is called in a message, and how it is brought to a version: a program may bring a profile of
// its own.
func kit(profile, how string) (name, hint string) {
	if profile == "phoenixkit" {
		return "PhoenixKit", " (" + how + ")"
	}
	return profile, ""
}

// NoVersion is a version table without a version.
func NoVersion(profile, schema, table string, from int) *problem.Problem {
	name, how := kit(profile, "its own migrations record it")
	return refused("no_version", "", fmt.Sprintf("the comment on %s.%s is no version", schema, table), "",
		fmt.Sprintf("Bring %s to version %d first%s, then run the same command again.", name, from, how))
}

// UnknownVersion is a version that this rekey does not know.
func UnknownVersion(profile, schema string, version, last int) *problem.Problem {
	name, _ := kit(profile, "")
	detail, hint := fmt.Sprintf("This rekey knows the versions up to %d.", last), "Look for a newer rekey."
	if name == profile {
		detail, hint = fmt.Sprintf("The profile's Last is %d.", last), "Look for a newer profile."
	}
	return refused("unknown_version", "", fmt.Sprintf("%s in schema %q is at version %d", name, schema, version), detail, hint)
}

// UnknownVersionNote is what a command that only reads says of such a version.
func UnknownVersionNote(version, last int) string {
	return fmt.Sprintf("Version %d is newer than this rekey, which knows the versions up to %d: it only reads here, and up is refused. Look for a newer rekey.", version, last)
}

// VersionTooOld is a version from which the way up does not begin.
func VersionTooOld(profile, schema string, version, from int) *problem.Problem {
	name, how := kit(profile, fmt.Sprintf("mix phoenix_kit.update, or a migration with up(version: %d)", from))
	return refused("version_too_old", "", fmt.Sprintf("%s in schema %q is at version %d, below %d", name, schema, version, from), "",
		fmt.Sprintf("Bring %s to version %d first%s, then run the same command again.", name, from, how))
}

// VersionTooNew is a version from which the way down does not begin.
func VersionTooNew(profile, schema string, version, to int) *problem.Problem {
	name, how := kit(profile, fmt.Sprintf("a migration with down(version: %d)", to))
	return refused("version_too_new", "", fmt.Sprintf("%s in schema %q is at version %d, above %d", name, schema, version, to),
		"Later versions build on the uuid columns.",
		fmt.Sprintf("Bring %s down to version %d first%s, then run the same command again.", name, to, how))
}
