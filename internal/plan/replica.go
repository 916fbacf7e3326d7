package plan

import (
	"fmt"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// refuseReplicas refuses a server of --standby-url that is not a standby of this server, cannot be read, or delays replay,
// so that its readers at the time of a lock cannot be known.
func refuseReplicas(server catalog.Server) problem.List {
	var found problem.List
	for _, r := range server.Replicas {
		switch {
		case r.Fault != "":
			found = append(found, message.StandbyUnreadable(r.Name, r.Fault))
		case !r.Recovering:
			found = append(found, message.NotAStandby(r.Name))
		case r.Mismatch != "":
			found = append(found, message.StandbyMismatch(r.Name, r.Mismatch, server.Database))
		case r.ApplyDelay > 0:
			found = append(found, message.StandbyDelayed(r.Name, delayText(r.ApplyDelay)))
		}
	}
	return found
}

// standbyNotes returns a note for each standby about what replaying locks does to its readers.
func standbyNotes(server catalog.Server) []string {
	var lines []string
	for _, r := range server.Replicas {
		if r.Fault == "" && r.Recovering && r.Mismatch == "" {
			lines = append(lines, replicaNote(r))
		}
	}
	if len(server.Standbys) <= len(server.Replicas) {
		return lines
	}
	unread := "its max_standby_streaming_delay, which limits how long a query there can delay replay and every later reader of the table, " +
		"could not be read. With --standby-url postgres://host:port/database rekey takes no lock while such a query runs."
	if len(server.Replicas) > 0 {
		unread = "unless a --standby-url leads to it, its max_standby_streaming_delay could not be read, and rekey does not check for queries there."
	}
	for _, s := range server.Standbys {
		lines = append(lines, fmt.Sprintf("Standby %s (%s, synchronous: %v) replays the same locks; %s", s.Name, s.State, s.Synchronous, unread))
	}
	return lines
}

func replicaNote(r catalog.Replica) string {
	line := fmt.Sprintf("Standby %s has max_standby_streaming_delay %s and max_standby_archive_delay %s. ", r.Name, delayText(r.StreamingDelay), delayText(r.ArchiveDelay)) +
		"rekey takes no ACCESS EXCLUSIVE lock while a transaction there has held a lock on the table for longer than --lock-timeout. "
	if r.StreamingDelay < 0 || r.ArchiveDelay < 0 {
		line += "A transaction that starts between this check and the replay can delay replay, and later readers of the table, without limit."
	} else {
		line += "A transaction that starts between this check and the replay can delay replay, and later readers of the table, for that long; then it is canceled."
	}
	if !r.Feedback {
		line += " hot_standby_feedback is off: a query there that runs for longer than the delay is also canceled when rows that it can still see are pruned, as after any UPDATE."
	}
	return line
}

// delayText formats a delay in milliseconds; -1 means no limit.
func delayText(ms int) string {
	if ms < 0 {
		return "-1 (no limit)"
	}
	return (time.Duration(ms) * time.Millisecond).String()
}
