package message

import (
	"strings"

	"github.com/rekey-pg/rekey/problem"
)

// DemoFailed returns the problem of a demo whose checks failed.
func DemoFailed(reasons []string) *problem.Problem {
	return failed("demo_failed", "the demo failed", strings.Join(reasons, "\n"),
		"Run it with --keep to inspect the database afterwards. If the machine was busy with other work, raise --max-wait.", nil)
}

// DemoInterrupted returns the problem of a demo that a signal ended.
func DemoInterrupted(cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Interrupted, Code: "interrupted", Message: "interrupted",
		Detail: "The temporary database was removed. Nothing else was changed.", Cause: cause,
	}
}

// NoPostgreSQL returns the problem of a demo that found no PostgreSQL. Hint says how to install it.
func NoPostgreSQL(detail, hint string, cause error) *problem.Problem {
	return failed("no_postgresql", "the demo needs PostgreSQL", sentence(detail), hint, cause)
}
