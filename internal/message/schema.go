package message

import (
	"fmt"

	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// NoSchema returns the refusal of a prefix that is not the name of a schema. Elsewhere lists the schemas that have the
// profile's version table.
func NoSchema(schema string, elsewhere []string) *problem.Problem {
	return refused("no_schema", "", fmt.Sprintf("schema %q does not exist", schema), schemasWithTable(elsewhere), suggestPrefix(elsewhere))
}

// NoVersionTable returns the refusal of a schema without the profile's version table.
func NoVersionTable(schema, table string, elsewhere []string) *problem.Problem {
	return refused("no_version_table", "", fmt.Sprintf("table %s does not exist in schema %q", table, schema), schemasWithTable(elsewhere), suggestPrefix(elsewhere))
}

// NoPrefixMatches returns the refusal of a pattern that matches schemas, but none with the profile's version table.
func NoPrefixMatches(pattern, table string, elsewhere []string) *problem.Problem {
	return refused("no_version_table", "", fmt.Sprintf("table %s does not exist in any schema that matches %q", table, pattern), schemasWithTable(elsewhere), suggestPrefix(elsewhere))
}

func schemasWithTable(elsewhere []string) string {
	if len(elsewhere) == 0 {
		return "No schema of this database has this version table."
	}
	return "Schemas with this version table: " + list(elsewhere) + "."
}

func suggestPrefix(elsewhere []string) string {
	if len(elsewhere) == 0 {
		return checkDatabase
	}
	return "Try: --prefix " + visible.Word(elsewhere[0])
}

// NoUsage returns the refusal of a schema in which the role lacks USAGE.
func NoUsage(schema, role string) *problem.Problem {
	return refused("no_usage", "", fmt.Sprintf("role %s lacks USAGE on schema %q", role, schema), "Without it the role can use no object of the schema.",
		fmt.Sprintf("Let a DBA run: GRANT USAGE, CREATE ON SCHEMA %s TO %s;", sqltext.Ident(schema), sqltext.Ident(role)))
}

// NoCreate returns the refusal of a schema in which the role may not create the function and the indexes.
func NoCreate(schema, quotedSchema, role, quotedRole string) *problem.Problem {
	return refused("no_create", "", fmt.Sprintf("role %s lacks CREATE on schema %q", role, schema),
		"rekey creates the function and the indexes there.",
		fmt.Sprintf("Let a DBA run: GRANT CREATE ON SCHEMA %s TO %s;", quotedSchema, quotedRole))
}

// NoTablespace returns the refusal of a default tablespace in which the role may not create the indexes.
func NoTablespace(tablespace, role string) *problem.Problem {
	return refused("no_tablespace", "", fmt.Sprintf("role %s lacks CREATE on tablespace %s", role, tablespace),
		"It is the role's default_tablespace, and rekey creates the indexes there.",
		fmt.Sprintf("Let a DBA run: GRANT CREATE ON TABLESPACE %s TO %s; Or: ALTER ROLE %s SET default_tablespace = '';", tablespace, role, role))
}

// how returns advice in parentheses; "" for none.
func how(advice string) string {
	if advice == "" {
		return ""
	}
	return " (" + advice + ")"
}

// NoVersion returns the refusal of a version table whose comment is not a version.
func NoVersion(p profile.Profile, schema string) *problem.Problem {
	return refused("no_version", "", fmt.Sprintf("the comment on %s.%s is not a version", schema, p.VersionTable), "",
		fmt.Sprintf("Bring %s to version %d first%s, %s", p.Library().Title, p.From, how(p.Hints.Recorded), again))
}

// UnknownVersion returns the refusal of a version newer than the known ones.
func UnknownVersion(p profile.Profile, schema string, version int) *problem.Problem {
	detail, hint := fmt.Sprintf("This rekey knows versions up to %d.", p.Last), p.Hints.Newer
	if hint == "" {
		detail, hint = fmt.Sprintf("Last of the profile is %d.", p.Last), "Use a newer profile."
	}
	return refused("unknown_version", "", fmt.Sprintf("%s in schema %q has the unknown version %d", p.Library().Title, schema, version), detail, hint)
}

// UnknownVersionNote returns the note of a command that only reads such a version.
func UnknownVersionNote(version, last int) string {
	return fmt.Sprintf("Version %d is newer than this rekey, which knows versions up to %d. It can be read but not migrated. Install a newer rekey.", version, last)
}

// VersionTooOld returns the refusal of a version below the one that up starts from.
func VersionTooOld(p profile.Profile, schema string, version int) *problem.Problem {
	title := p.Library().Title
	return refused("version_too_old", "", fmt.Sprintf("%s in schema %q has version %d, below %d", title, schema, version, p.From), "",
		fmt.Sprintf("Bring %s to version %d first%s, %s", title, p.From, how(p.Hints.Up), again))
}

// LinkTooLate returns the refusal of phase linked above the version at which a profile offers it.
func LinkTooLate(p profile.Profile, schema string, version int) *problem.Problem {
	title := p.Library().Title
	return refused("link_version", "", fmt.Sprintf("%s in schema %q has version %d, and its foreign keys can be linked at version %d only", title, schema, version, p.LinkAt),
		"Later versions rename tables and make uuid columns of their own for foreign keys.",
		fmt.Sprintf("Leave the foreign keys to %s, or bring it down to version %d first%s, %s", title, p.LinkAt, how(p.Hints.Down), again))
}

// VersionTooNew returns the refusal of a version above the one that down starts from.
func VersionTooNew(p profile.Profile, schema string, version int) *problem.Problem {
	title := p.Library().Title
	return refused("version_too_new", "", fmt.Sprintf("%s in schema %q has version %d, above %d", title, schema, version, p.To),
		"Later versions depend on the uuid columns.",
		fmt.Sprintf("Bring %s down to version %d first%s, %s", title, p.To, how(p.Hints.Down), again))
}

// VersionMismatch returns the difference of a recorded version below the one that verify expects.
func VersionMismatch(version, to int) string {
	return fmt.Sprintf("version %d is recorded, expected %d", version, to)
}

// PlanRefused sums up the refusals that a plan lists.
func PlanRefused(command string, problems int) *problem.Problem {
	return refused("plan_refused", "", fmt.Sprintf("%s is refused by %s; nothing was changed", command, Counted(problems, "problem", "problems")), "",
		"Each is listed above with its own hint. Resolve them, "+again)
}
