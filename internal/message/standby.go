package message

import "github.com/rekey-pg/rekey/problem"

import "fmt"

// StandbyUnreadable is a standby that cannot be looked at.
func StandbyUnreadable(name, why string) *problem.Problem {
	return refused("standby_unreadable", "", "standby "+name+" cannot be read", "It said: "+why+".",
		"Look whether it runs and lets the role in: psql with the URL of --standby-url. Or go without it; then nobody looks for reports there.")
}

// NotAStandby is a server that is no standby.
func NotAStandby(name string) *problem.Problem {
	return refused("not_a_standby", "", "the server at "+name+" is no standby", "pg_is_in_recovery() is false there.",
		"--standby-url leads to a server that follows this one; the primary itself is given with --database-url. A logical subscriber replays no locks: leave it out.")
}

// StandbyElsewhere is a standby of another server, or another database of it.
func StandbyMismatch(name, how, database string) *problem.Problem {
	return refused("standby_mismatch", "", "the standby at "+name+" does not show this database", "There "+how+".",
		fmt.Sprintf("Give the address of a standby of this server, and the database %q in it: --standby-url postgres://host:port/database", database))
}

// StandbyDelayed is a standby that replays late on purpose.
func StandbyDelayed(name, delay string) *problem.Problem {
	return refused("standby_delayed", "", "the standby at "+name+" replays "+delay+" late", "recovery_min_apply_delay is set there.",
		"Nobody can know now who will read there then. Leave its --standby-url out: readers there may wait for as long as its max_standby_streaming_delay says.")
}
