package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

func ident(name string) string { return sqltext.Ident(name) }

// about returns a duration without digits that do not matter.
func about(d time.Duration) string {
	if d >= time.Minute {
		return message.Duration(d.Truncate(time.Minute))
	}
	return message.Duration(d.Truncate(time.Second))
}

// standbys names the standbys that the run would not look at. Their lag is a risk of the forecast.
func standbys(f Facts) []Finding {
	unread := len(f.Server.Standbys) - f.Standby
	if unread <= 0 {
		return fine("standbys", standbyText(len(f.Server.Standbys)))
	}
	return []Finding{{
		Level: Slows, Name: "standbys", Count: unread,
		Text: message.Counted(int64(unread), "connected standby is", "connected standbys are") + " not read: a long query there delays the replay of the run's locks, and every later reader of the table",
		Hint: "--standby-url postgres://host:port/database",
	}}
}

func standbyText(n int) string {
	if n == 0 {
		return "no standby"
	}
	return message.Counted(int64(n), "standby", "standbys")
}

// risks groups the risks of a forecast by their name, and names those that were not found.
func risks(f Facts) []Finding {
	if !f.Forecast {
		return nil
	}
	var all []Finding
	for _, r := range f.Risks {
		at := slices.IndexFunc(all, func(one Finding) bool { return one.Name == r.Name })
		if at < 0 {
			all = append(all, Finding{Level: Slows, Name: r.Name, Text: r.Text, Hint: r.Hint})
			at = len(all) - 1
		}
		all[at].Count++
	}
	for i, one := range all {
		if one.Count > 1 {
			all[i].Text += fmt.Sprintf("; and %d more", one.Count-1)
		}
	}
	for _, name := range f.Without {
		all = append(all, fine(name, strings.ReplaceAll(name, "-", " "))...)
	}
	return all
}

// who describes a session without its query.
func who(pid int, application, state string) string {
	text := application
	if pid != 0 {
		text = strings.TrimSpace(fmt.Sprintf("pid %d %s", pid, application))
	}
	if state != "" {
		text += ", " + state
	}
	return text
}

// locks judges who holds locks on the tables: a run does not queue behind a transaction that is older than a second.
func locks(f Facts) []Finding {
	var list []string
	firstPID := 0
	for _, h := range f.Health.Holders {
		if h.Autovacuum {
			continue // it yields; one against wraparound is reported on its own
		}
		text := who(h.PID, h.Application, h.State) + ": " + h.Mode + " on " + h.Table
		if h.Age >= 0 {
			text += " for " + about(h.Age)
		}
		if firstPID == 0 {
			firstPID = h.PID
		}
		list = append(list, text)
	}
	if len(list) == 0 {
		return fine("locks", "locks")
	}
	found := Finding{
		Level: Slows, Name: "locks", Count: len(list),
		Text: "locks are held on the tables, and the run retries until they are released: " + names(list),
	}
	if firstPID != 0 {
		found.Hint = fmt.Sprintf("End the transaction there, or: SELECT pg_terminate_backend(%d);", firstPID)
	} else {
		found.Hint = "Commit the prepared transaction or roll it back: SELECT gid, prepared, owner FROM pg_prepared_xacts;"
	}
	return []Finding{found}
}
