package message

import "github.com/rekey-pg/rekey/problem"

import (
	"fmt"

	"github.com/rekey-pg/rekey/internal/visible"
)

// SignalHidden is a signal that matters here and that the role may not read.
func SignalHidden(signal, what, role string) *problem.Problem {
	return refused("signal_hidden", "", what+" is not visible to role "+role,
		"The run is to stand still when it grows, and could not know.",
		fmt.Sprintf("Let a DBA run: GRANT pg_monitor TO %s; or go without it: --without-signal %s", role, signal))
}

// ThrottleQuery is a question of the user's that cannot be asked.
func ThrottleQuery(cause error) *problem.Problem {
	p := refused("throttle_query", "", "the throttle query does not work", visible.Error(cause)+".",
		"It is one SELECT of one column, boolean or text, that reads only and takes less than a second; names are written with their schema.")
	p.Cause = cause
	return p
}

// ThrottleFile is a flag file of which cannot be told whether it is there.
func ThrottleFile(name string, cause error) *problem.Problem {
	p := refused("throttle_file", "", fmt.Sprintf("whether the throttle file %s is there cannot be told", visible.Path(name)), visible.Error(cause)+".",
		"Name a file in a directory that may be searched.")
	p.Cause = cause
	return p
}

// DirectElsewhere is a direct connection to another server or database than the pooler's.
func DirectURLMismatch() *problem.Problem {
	return refused("direct_url_mismatch", "", "--direct-url leads to another database than the connection through the pooler",
		"The servers' start times or the databases' oids differ.", "Give the address of the same database: look into the pooler's configuration.")
}
