package message

import (
	"fmt"

	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// SignalHidden returns the refusal of a signal that applies to this server but that the role may not read.
func SignalHidden(signal, what, role string) *problem.Problem {
	return refused("signal_hidden", "", fmt.Sprintf("role %s may not read %s", role, what),
		"The run pauses when it exceeds a limit, and so must be able to read it.",
		fmt.Sprintf("Let a DBA run: GRANT pg_monitor TO %s; Or run without this signal: --without-signal %s", role, signal))
}

// ThrottleQuery returns the refusal of a --throttle-query that failed.
func ThrottleQuery(cause error) *problem.Problem {
	p := refused("throttle_query", "", "the query of --throttle-query failed", sentence(visible.Error(cause)),
		"Write one SELECT of one column, boolean or text, that only reads and takes less than a second. Qualify names with their schema.")
	p.Cause = cause
	return p
}

// ThrottleFile returns the refusal of a --throttle-file that could not be checked.
func ThrottleFile(name string, cause error) *problem.Problem {
	p := refused("throttle_file", "", fmt.Sprintf("could not check the file %s of --throttle-file", visible.Path(name)), sentence(visible.Error(cause)),
		"Name a file in a directory that rekey may search.")
	p.Cause = cause
	return p
}
