package doctor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// settings judges the settings that a run does not set for itself.
func settings(f Facts) []Finding {
	var all []Finding
	off := func(name, text string) {
		if s, ok := f.Health.Settings[name]; ok && s.Value == "off" {
			all = append(all, Finding{Level: Slows, Name: name, Text: name + " is off: " + text, Hint: "ALTER SYSTEM SET " + name + " = on; SELECT pg_reload_conf();", Count: 1})
		}
	}
	off("autovacuum", "dead rows of the run stay until a VACUUM")
	off("track_counts", "autovacuum does not see the rows that the run changes")
	off("track_activities", "who is in the way of a lock cannot be named")
	names := f.Health.Settings["synchronous_standby_names"]
	if names.Value != "" && len(f.Server.Standbys) == 0 {
		all = append(all, Finding{
			Level: Slows, Name: "synchronous_standby_names", Count: 1,
			Text: "synchronous_standby_names is set and no standby is connected: commits of the application and of the journal wait", Hint: "Start the standby, or: ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf();",
		})
	}
	if n, ok := number(f, "checkpoint_timeout"); ok && time.Duration(n)*time.Second < shortCheckpoint {
		all = append(all, Finding{
			Level: Slows, Name: "checkpoint_timeout", Count: 1,
			Text: "checkpoint_timeout is " + about(time.Duration(n)*time.Second) + ": after each checkpoint every page that is changed is written to the WAL in full once more",
			Hint: "ALTER SYSTEM SET checkpoint_timeout = '5min'; SELECT pg_reload_conf();",
		})
	}
	if len(all) > 0 {
		return all
	}
	return fine("settings", settingsText(f))
}

// shortCheckpoint is the checkpoint_timeout below which checkpoints are frequent. PostgreSQL's default is 5 minutes.
const shortCheckpoint = 2 * time.Minute

// number returns a setting in its unit; ok is false if the server does not have it or the role may not see it.
func number(f Facts, name string) (n int64, ok bool) {
	s, found := f.Health.Settings[name]
	if !found {
		return 0, false
	}
	n, err := strconv.ParseInt(s.Value, 10, 64)
	return n, err == nil
}

// vacuum names the tables for which autovacuum is turned off.
func vacuum(f Facts) []Finding {
	found := f.Health.Unvacuumed
	if len(found) == 0 {
		return nil
	}
	var list []string
	for _, t := range found {
		list = append(list, strings.TrimPrefix(t.Schema+"."+t.Name, f.Schema+"."))
	}
	return []Finding{{
		Level: Slows, Name: "autovacuum_enabled", Count: len(found),
		Text: "autovacuum is turned off for " + names(list) + ": dead rows of the run stay there until a VACUUM",
		Hint: sqltext.Format("ALTER TABLE {} RESET (autovacuum_enabled);", found[0]),
	}}
}

// temporary judges the limit of temporary files: an index build that exceeds it fails.
func temporary(f Facts) []Finding {
	limit, ok := number(f, "temp_file_limit")
	limit *= 1024 // kB
	if !ok || limit < 0 || f.Sort <= limit {
		return nil
	}
	return []Finding{{
		Level: Slows, Name: "temp_file_limit", Count: 1,
		Text: fmt.Sprintf("the largest index build needs up to %s of temporary files and temp_file_limit is %s: the run would stop there", megabytes(f.Sort), megabytes(limit)),
		Hint: "As a superuser: ALTER ROLE " + ident(f.Server.Role.Name) + " SET temp_file_limit = -1;",
	}}
}

func megabytes(bytes int64) string { return fmt.Sprintf("%d MB", (bytes+1<<20-1)>>20) }

// freeSpace says whether a forecast can read how much of a table is free.
func freeSpace(f Facts) []Finding {
	h := f.Health
	switch {
	case h.StatTuple:
		return fine("pgstattuple", "pgstattuple")
	case h.StatTupleAvailable:
		return fine("pgstattuple", "no pgstattuple (for a better forecast: CREATE EXTENSION pgstattuple)")
	}
	return fine("pgstattuple", "no pgstattuple")
}

// settingsText names the settings that decide how much WAL is kept, and those of the role that a run replaces by its own.
func settingsText(f Facts) string {
	found := f.Health.Settings
	var parts []string
	if s := found["wal_level"]; s.Value != "" {
		parts = append(parts, "wal_level "+s.Value)
	}
	for _, name := range []string{"min_wal_size", "max_wal_size"} {
		if n, ok := number(f, name); ok {
			parts = append(parts, fmt.Sprintf("%s %d MB", name, n))
		}
	}
	var own []string
	for _, name := range []string{"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout", "idle_session_timeout"} {
		if s, ok := found[name]; ok && s.Value != "0" && s.Value != "" {
			own = append(own, name)
		}
	}
	if len(own) > 0 {
		parts = append(parts, "a run sets its own "+strings.Join(own, ", "))
	}
	if len(parts) > 0 {
		return "settings (" + strings.Join(parts, ", ") + ")"
	}
	return "settings"
}
