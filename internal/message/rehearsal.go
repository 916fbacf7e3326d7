package message

import (
	"fmt"

	"github.com/rekey-pg/rekey/problem"
)

func rehearsalRefused(code, message, detail, hint string) *problem.Problem {
	return &problem.Problem{Kind: problem.Refused, Code: code, Message: message, Detail: detail, Hint: hint}
}

// NoDump returns the problem of a machine without a pg_dump of the server's version.
func NoDump(server int) *problem.Problem {
	return rehearsalRefused("no_pg_dump", fmt.Sprintf("no pg_dump of version %d or later is in PATH", server),
		"The schema is copied by pg_dump, which must not be older than the server.", "Install PostgreSQL's client programs of the server's version, such as the package postgresql-client.")
}

// NoScratchServer returns the problem of a machine without a PostgreSQL on which to rehearse.
func NoScratchServer(major int) *problem.Problem {
	return rehearsalRefused("no_scratch_server", fmt.Sprintf("no PostgreSQL of version %d or later is installed here, on which to rehearse", major),
		"A throw-away server needs initdb, pg_ctl and postgres. rekey downloads nothing.", "Install PostgreSQL, or name a server: --server postgres://role@host:port/postgres")
}

// ScratchRights returns the problem of a role that may do more on the scratch server than copied code should.
func ScratchRights(role, rights string) *problem.Problem {
	return rehearsalRefused("scratch_rights", "role "+role+" of --server "+rights,
		"Functions, checks and triggers of the copied schema run there with the role's rights.", "Connect as a role that may only create databases: CREATE ROLE rehearsal LOGIN CREATEDB;")
}

// ScratchIsSource returns the problem of a scratch server that is the source's own.
func ScratchIsSource() *problem.Problem {
	return rehearsalRefused("scratch_is_source", "--server is the server of the source database",
		"The rehearsal would load it as the run does.", "Name another server, or leave out --server for a throw-away one.")
}

// ScratchTooOld returns the problem of a scratch server that is older than the source.
func ScratchTooOld(source, scratch int) *problem.Problem {
	return rehearsalRefused("scratch_too_old", fmt.Sprintf("the server of --server has version %d, and the source has %d", scratch, source), "", "Name a server of the same or a later version.")
}

// ScratchNoSpace returns the problem of a sample in bytes that is larger than the free space.
func ScratchNoSpace(need, free int64) *problem.Problem {
	return rehearsalRefused("scratch_no_space", fmt.Sprintf("the sample needs about %d MB here, and %d MB are free", need>>20, free>>20), "", "Use fewer rows: --rows 0.01. Or name a server: --server postgres://role@host:port/postgres")
}

// SchemaNotCopied returns the problem of a schema that the scratch server does not take.
func SchemaNotCopied(what, why, extensions string) *problem.Problem {
	p := rehearsalRefused("schema_not_copied", what+" could not be copied: "+why, "", "Name a server that has what it needs: --server postgres://role@host:port/postgres")
	if extensions != "" {
		p.Detail = "These extensions were left out: " + extensions + "."
	}
	return p
}

// DumpFailed returns the problem of a pg_dump that failed, with its first line.
func DumpFailed(line string) *problem.Problem {
	return rehearsalRefused("pg_dump_failed", "pg_dump failed: "+line, "", "Run rekey plan to see whether the role may read the schema.")
}

// RehearsalInterrupted returns the problem of a rehearsal that a signal ended.
func RehearsalInterrupted(cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Interrupted, Code: "rehearsal_interrupted", Message: "interrupted", Cause: cause,
		Detail: "The source was only read. The scratch database was dropped, unless --keep was given.", Hint: "Run the same command again.",
	}
}

// RehearsalFailed returns the problem of a rehearsal that found differences or errors.
func RehearsalFailed() *problem.Problem {
	return &problem.Problem{
		Kind: problem.Differs, Code: "rehearsal_failed", Message: "the rehearsal found differences or errors",
		Hint: "They are listed above. With --server and --keep the scratch database stays to look at.",
	}
}
