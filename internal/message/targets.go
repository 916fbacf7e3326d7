package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/problem"
)

// NoTargets returns the problem of a file of --targets without targets.
func NoTargets(path string) *problem.Problem {
	return usage("bad_targets", path+" has no targets", "", "Write: targets: [{name: tenant-17, database-url-env: TENANT_17_URL}]")
}

// TargetsReadable returns the problem of a file of --targets with a password that other users may read. The word is the path as a
// shell reads it.
func TargetsReadable(path, word, name string) *problem.Problem {
	return usage("targets_readable", fmt.Sprintf("%s contains the password of target %s, and other users may read it", path, name),
		"As libpq does with a password file, rekey does not use such a file.", "Make it private: chmod 600 "+word)
}

// SameTarget returns the problem of two targets that are the same schema of the same database.
func SameTarget(path, first string, firstLine int, second string, secondLine int, place, schema string) *problem.Problem {
	return usage("bad_targets", fmt.Sprintf("%s, line %d: target %s is the same database and schema as %s in line %d", path, secondLine, second, first, firstLine),
		fmt.Sprintf("Both are schema %s of %s.", schema, place), "Remove one of them, or give it another schema.")
}

// UnknownGroup returns the problem of a group that no target has. The group is quoted.
func UnknownGroup(group, near string, known []string) *problem.Problem {
	hint := "The groups are " + strings.Join(known, ", ") + "."
	switch {
	case len(known) == 0:
		hint = "Add the group to its targets: group: eu"
	case near != "":
		hint = "Did you mean: --group " + near
	}
	return usage("unknown_group", "no target has group "+group, "", hint)
}

// TargetsConflict returns the problem of a setting that --targets cannot be combined with.
func TargetsConflict(flag string) *problem.Problem {
	return usage("targets_conflict", "--targets cannot be combined with "+flag, "Each target has its own connection strings.", "Omit "+flag+", or --targets.")
}

// PatternWithTargets returns the problem of a pattern of schemas together with --targets.
func PatternWithTargets() *problem.Problem {
	return usage("targets_conflict", "--targets cannot be combined with a pattern of schemas", "Each target is one schema of one database.",
		"Write one target for each schema, or call rekey for each server with the pattern.")
}
