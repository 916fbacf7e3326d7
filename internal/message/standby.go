package message

import (
	"fmt"

	"github.com/rekey-pg/rekey/problem"
)

// StandbyUnreadable returns the refusal of a standby that could not be queried.
func StandbyUnreadable(name, reason string) *problem.Problem {
	return refused("standby_unreadable", "", "could not read standby "+name, "The standby reported: "+reason+".",
		"Check the URL of --standby-url with psql. Or omit it; then rekey does not check for queries on that standby.")
}

// NotAStandby returns the refusal of a --standby-url that leads to a server that is not in recovery.
func NotAStandby(name string) *problem.Problem {
	return refused("not_a_standby", "", "the server at "+name+" is not a standby", "Its pg_is_in_recovery() is false.",
		"Set --standby-url to a physical standby of this server. A logical subscriber replays no locks and needs no --standby-url.")
}

// StandbyMismatch returns the refusal of a standby of another server, or of another database on it.
func StandbyMismatch(name, how, database string) *problem.Problem {
	return refused("standby_mismatch", "", "the standby at "+name+" does not replicate this database", sentence(how),
		fmt.Sprintf("Connect to database %q on a standby of this server: --standby-url postgres://host:port/database", database))
}

// StandbyDelayed returns the refusal of a standby with recovery_min_apply_delay.
func StandbyDelayed(name, delay string) *problem.Problem {
	return refused("standby_delayed", "", "the standby at "+name+" replays with a delay of "+delay,
		"Its recovery_min_apply_delay is set, so that rekey cannot know which queries run there at the time of the replay.",
		"Omit its --standby-url. Queries there may wait for as long as its max_standby_streaming_delay.")
}
