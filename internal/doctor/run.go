package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// mostNames is how many tables, sessions or slots a finding names.
const mostNames = 3

func connection(f Facts) []Finding {
	if f.Pooled {
		p := message.PoolerDetected()
		return []Finding{{Level: Refuses, Name: p.Code, Text: p.Message + ". " + p.Detail, Hint: p.Hint, Count: 1}}
	}
	return fine("connection", "connection")
}

// refusals groups the refusals by their kind, in the order of the first of each.
func refusals(f Facts) []Finding {
	if len(f.Refusals) == 0 {
		return fine("plan", "plan")
	}
	var codes []string
	byCode := map[string]problem.List{}
	for _, p := range f.Refusals {
		if byCode[p.Code] == nil {
			codes = append(codes, p.Code)
		}
		byCode[p.Code] = append(byCode[p.Code], p)
	}
	var all []Finding
	for _, code := range codes {
		all = append(all, refusalsOf(code, byCode[code], f.Schema))
	}
	return all
}

func refusalsOf(code string, list problem.List, schema string) Finding {
	first := list[0]
	text := first.Message
	var others []string
	for _, p := range list[1:] {
		if name := strings.TrimPrefix(p.Table, schema+"."); name != "" && !slices.Contains(others, name) {
			others = append(others, name)
		}
	}
	switch {
	case len(others) > 0:
		text += "; also " + names(others)
	case len(list) > 1:
		text += fmt.Sprintf("; and %d more", len(list)-1)
	}
	return Finding{Level: Refuses, Name: code, Text: text, Hint: first.Hint, Count: len(list)}
}

// names returns the first names of a list, and how many there are besides.
func names(list []string) string {
	if more := len(list) - mostNames; more > 0 {
		return strings.Join(list[:mostNames], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(list, ", ")
}

func lease(f Facts) []Finding {
	l := f.Lease
	switch {
	case l == nil:
		return fine("lease", "no active run")
	case l.Live:
		text := fmt.Sprintf("another run is active: rekey %s on host %s, pid %d, since %s", l.Command, l.Host, l.PID, message.Duration(f.Health.Now.Sub(l.Since).Truncate(time.Second)))
		if l.Paused != "" {
			text += "; it pauses: " + l.Paused
		}
		return []Finding{{Level: Refuses, Name: "lease_held", Text: text, Hint: "rekey status", Count: 1}}
	}
	return []Finding{{
		Level: Fine, Name: "stale_lease", Count: 1,
		Text: fmt.Sprintf("an expired lease of host %s, pid %d, which the next run takes over", l.Host, l.PID),
	}}
}

func journalState(f Facts) []Finding {
	j, last := f.Server.JournalSchema, f.LastRun
	switch {
	case !j.Exists && !f.Server.Role.CreateDatabase:
		return fine("journal", "no journal yet")
	case !j.Exists:
		return fine("journal", "no journal yet (the run creates it)")
	case last != nil && !last.Ended && f.Lease == nil:
		return fine("journal", "the last "+last.Command+" did not end; the next run resumes it")
	}
	return fine("journal", "journal")
}

func events(f Facts) []Finding {
	if len(f.Events) == 0 {
		return fine("event_triggers", "no event trigger")
	}
	var list []string
	for _, e := range f.Events {
		list = append(list, e.Name)
	}
	return []Finding{{
		Level: Slows, Name: "event_trigger", Count: len(list),
		Text: "event triggers fire on the run's catalogue changes: " + names(list) + ". If one raises an error, the run stops there and keeps the steps that are done",
		Hint: "rekey plan",
	}}
}

// maxSkew is how far the clocks may differ. The times in uuids are the server's, and the journal's too.
const maxSkew = 5 * time.Second

func clock(f Facts) []Finding {
	skew := f.Health.Now.Sub(f.Here)
	if skew.Abs() <= maxSkew {
		return fine("clock", "clock")
	}
	way := "ahead of"
	if skew < 0 {
		way = "behind"
	}
	return []Finding{{
		Level: Slows, Name: "clock", Count: 1,
		Text: fmt.Sprintf("the server's clock is %s %s this machine's; the times in the uuids of new rows are the server's", message.Duration(skew.Abs().Truncate(time.Second)), way),
		Hint: "Synchronize the clocks.",
	}}
}

func visibility(f Facts) []Finding {
	if f.Server.Role.Monitor {
		return fine("visibility", "all sessions are visible")
	}
	return []Finding{{
		Level: Hidden, Name: "pg_monitor", Count: 1,
		Text: "role " + f.Server.Role.Name + " lacks pg_monitor: not visible are the age and state of other roles' transactions, the lag of standbys and the size of the WAL directory",
		Hint: "GRANT pg_monitor TO " + ident(f.Server.Role.Name) + ";",
	}}
}
