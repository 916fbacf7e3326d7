package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/screen"
)

// lines returns the lines that show an event to a person; most events have none.
func lines(e Event) []string {
	switch e := e.(type) {
	case Found:
		return []string{
			"rekey-demo: a UUIDv7 for every row of a live database, and back again", "",
			fact("server", fmt.Sprintf("PostgreSQL %s (%s), removed afterwards", e.Version, e.Origin), 0),
		}
	case Built:
		text := fmt.Sprintf("%s rows in %d tables of PhoenixKit 39", screen.Count(e.Rows), e.Tables)
		all := []string{fact("database", text, e.Elapsed)}
		if e.Note != "" {
			all = append(all, fact("", "("+e.Note+")", 0))
		}
		return all
	case Flowing:
		return []string{fact("traffic", fmt.Sprintf("%s statements per second on %d connections, until the end",
			screen.Count(int64(e.Rate)), e.Connections), 0), ""}
	case Carried:
		return []string{carried(e.Result)}
	case Verified:
		return []string{fact("verify", verified(e), e.Elapsed)}
	case Journey:
		return e.lines()
	case Result:
		return strings.Split(strings.TrimSuffix(Summary(e), "\n"), "\n")
	}
	return nil
}

// fact formats one line: what, how, and how long it took.
func fact(what, how string, took time.Duration) string {
	line := fmt.Sprintf("  %-9s %s", what, how)
	if took == 0 {
		return line
	}
	const width = 70
	return fmt.Sprintf("%-*s %7s", width, line, screen.FormatDuration(took))
}

func carried(r event.Result) string {
	text := fmt.Sprintf("39 -> 40: %s rows filled", screen.Count(r.Rows))
	if r.Command == "down" {
		text = fmt.Sprintf("40 -> 39: %d tables restored", r.Tables)
	}
	if r.Locks.Count > 0 {
		text += fmt.Sprintf(", no lock held over %s", atLeast(r.Locks.LongestHold))
	}
	return fact(r.Command, text, r.Elapsed)
}

func atLeast(d time.Duration) string {
	return screen.FormatDuration(max(d.Round(time.Millisecond), time.Millisecond))
}

func verified(v Verified) string {
	if v.OK {
		return fmt.Sprintf("%d tables complete: no NULL, no duplicate, all version 7", v.Tables)
	}
	return fmt.Sprintf("%d differences", len(v.Differences))
}

// Summary returns the text at the end of a demo: the application's waits, the checks, and whether it is ok.
func Summary(r Result) string {
	var text strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	if r.Traffic.Statements > 0 {
		application(add, r)
	}
	if len(r.Checks) > 0 {
		proof(add, r)
	}
	add("")
	add("%s", conclusion(r))
	return text.String()
}

func application(add func(string, ...any), r Result) {
	f := r.Traffic
	add("")
	add("  %-28s%12s%14s", "the application", "before up", "since then")
	add("  %-28s%12s%14s", "  statements", screen.Count(f.Before.Statements), screen.Count(f.Since.Statements))
	add("  %-28s%12s%14s", "  median wait", fine(f.Before.Median), fine(f.Since.Median))
	add("  %-28s%12s%14s", "  99th percentile", fine(f.Before.P99), fine(f.Since.P99))
	add("  %-28s%12s%14s   limit %s", "  longest wait", fine(f.Before.Longest), fine(f.Since.Longest), screen.FormatDuration(r.MaxWait))
	add("  %-28s%26s", "  failed", screen.Count(f.Failed))
}

// fine formats a duration; below 10 ms with tenths of a millisecond.
func fine(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return screen.FormatDuration(d)
}

func proof(add func(string, ...any), r Result) {
	add("")
	add("  %-14s%-13s%-17s%-16s%s", "the rows", "untouched", "checksum", "written", "catalogue")
	for i, c := range r.Checks {
		rows, sum := total(c.Old)
		mark, account := "", ""
		if i > 0 {
			_, first := total(r.Checks[0].Old)
			mark = equal(sum == first)
			account = fmt.Sprintf("%s, %s lost", screen.Count(c.Written.Rows), screen.Count(c.Written.Lost))
		}
		add("    %-12s%-13s%-17s%-16s%s", c.Stage, screen.Count(rows), sum+mark, account, catalogue(c))
	}
	f := r.Traffic
	add("    %s inserted, %s with a uuid of their own; %s updated, %s deleted",
		screen.Count(f.Inserted), screen.Count(f.OwnKeys), screen.Count(f.Updated), screen.Count(f.Deleted))
	add("    %s read by integer id, %s by uuid; %s wrong results",
		screen.Count(f.Selected), screen.Count(f.LookedUp), screen.Count(f.Wrong))
}

func equal(same bool) string {
	if same {
		return " equal"
	}
	return " DIFFERS"
}

func catalogue(c Checked) string {
	version := 39
	if c.Stage == "after up" {
		version = 40
	}
	if len(c.Catalogue) == 0 {
		return fmt.Sprintf("V%d exactly", version)
	}
	return fmt.Sprintf("%d off V%d", len(c.Catalogue), version)
}

// The first words of the last line.
const (
	okay    = "ok"
	notOkay = "not ok"
)

func conclusion(r Result) string {
	if !r.OK {
		return fmt.Sprintf("%s after %s", notOkay, screen.FormatDuration(r.Elapsed))
	}
	return fmt.Sprintf("%s in %s: no row was lost, no statement failed, none waited longer than %s",
		okay, screen.FormatDuration(r.Elapsed), fine(r.Traffic.Longest))
}
