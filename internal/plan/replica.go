package plan

import (
	"fmt"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// refuseReplicas refuses what was given as a standby and is none of this server's, or one on which
// nobody can know now who will read when a lock arrives.
func refuseReplicas(server catalog.Server) problem.List {
	var found problem.List
	for _, r := range server.Replicas {
		switch {
		case r.Fault != "":
			found = append(found, message.StandbyUnreadable(r.Name, r.Fault))
		case !r.Recovering:
			found = append(found, message.NotAStandby(r.Name))
		case r.Mismatch != "":
			found = append(found, message.StandbyElsewhere(r.Name, r.Mismatch, server.Database))
		case r.ApplyDelay > 0:
			found = append(found, message.StandbyDelayed(r.Name, delayText(r.ApplyDelay)))
		}
	}
	return found
}

// standbyNotes tells how each standby bears the locks that it replays.
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
	unread := "its max_standby_streaming_delay, which decides for how long a report there may hold up replay and every later " +
		"reader of the table, could not be read: give it with --standby-url postgres://host:port/database, and no lock is taken while such a report is there."
	if len(server.Replicas) > 0 {
		unread = "unless a --standby-url leads to it, its max_standby_streaming_delay could not be read, and reports there are not looked for."
	}
	for _, s := range server.Standbys {
		lines = append(lines, fmt.Sprintf("Standby %s (%s, synchronous: %v) replays the same locks; %s", s.Name, s.State, s.Synchronous, unread))
	}
	return lines
}

func replicaNote(r catalog.Replica) string {
	line := fmt.Sprintf("Standby %s has max_standby_streaming_delay %s and max_standby_archive_delay %s. ", r.Name, delayText(r.StreamingDelay), delayText(r.ArchiveDelay)) +
		"No ACCESS EXCLUSIVE lock is taken while a transaction there has held a lock on the table for longer than --max-lock. "
	if r.StreamingDelay < 0 || r.ArchiveDelay < 0 {
		line += "One that begins in the instant between that look and the replay may hold replay, and later readers of the table, up without an end."
	} else {
		line += "One that begins in the instant between that look and the replay may hold replay, and later readers of the table, up for so long; then it is cancelled."
	}
	if !r.Feedback {
		line += " hot_standby_feedback is off: a report there that outlives its delay is cancelled also when rows that it may still see are pruned, as any UPDATE lets happen."
	}
	return line
}

// span writes milliseconds, of which -1 is without an end.
func delayText(ms int) string {
	if ms < 0 {
		return "-1 (no limit)"
	}
	return (time.Duration(ms) * time.Millisecond).String()
}
