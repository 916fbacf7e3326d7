package rehearse

import (
	"fmt"

	"github.com/rekey-pg/rekey/problem"
)

func refuse(code, message, detail, hint string) *problem.Problem {
	return &problem.Problem{Kind: problem.Refused, Code: code, Message: message, Detail: detail, Hint: hint}
}

func noDump(server int) *problem.Problem {
	return refuse("no_pg_dump", fmt.Sprintf("no pg_dump of version %d or later is in PATH", server),
		"pg_dump copies the schema, and must not be older than the server.", "Install PostgreSQL's client programs of the server's version, such as the package postgresql-client.")
}

func noServer(major int) *problem.Problem {
	return refuse("no_scratch_server", fmt.Sprintf("no PostgreSQL of version %d or later is installed here, on which to rehearse", major),
		"A throw-away server needs initdb, pg_ctl and postgres. rekey downloads nothing.", "Install PostgreSQL, or name a server: --server postgres://role@host:port/postgres")
}

func tooManyRights(role, rights string) *problem.Problem {
	return refuse("scratch_rights", "role "+role+" of --server "+rights,
		"Functions, checks and triggers of the copied schema run there with the role's rights.", "Connect as a role that may only create databases: CREATE ROLE rehearsal LOGIN CREATEDB;")
}

func sameServer() *problem.Problem {
	return refuse("scratch_is_source", "--server is the server of the source database",
		"The rehearsal would load it as the run does.", "Name another server, or leave out --server for a throw-away one.")
}

func olderServer(source, scratch int) *problem.Problem {
	return refuse("scratch_too_old", fmt.Sprintf("the server of --server has version %d, and the source has %d", scratch, source), "", "Name a server of the same or a later version.")
}

func noSpace(need, free int64) *problem.Problem {
	return refuse("scratch_no_space", fmt.Sprintf("the sample needs about %d MB here, and %d MB are free", need>>20, free>>20), "", "Use fewer rows: --rows 0.01. Or name a server: --server postgres://role@host:port/postgres")
}

func notCopied(what, why, extensions string) *problem.Problem {
	p := refuse("schema_not_copied", what+" could not be copied: "+why, "", "Name a server that has what it needs: --server postgres://role@host:port/postgres")
	if extensions != "" {
		p.Detail = "These extensions were left out: " + extensions + "."
	}
	return p
}
