package journal

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/events.sql
var eventsQuery string

//go:embed queries/runs.sql
var runsQuery string

// KeptRuns is the number of runs of a schema whose events are kept.
const KeptRuns = 20

// maxRuns is the number of runs that [Runs] returns at most.
const maxRuns = 100

// EventRow is a row of rekey.events: one or more consecutive events of a run. Text that a row has is never changed, so that
// a row can be saved twice.
type EventRow struct {
	Seq   int64     // the position of the last event in its run
	At    time.Time // of the last event
	Lines string    // made by [EventLines]
}

// EventLines returns events as the lines of one row. The text is ASCII, so that it can be stored in a database of any encoding.
func EventLines(entries []history.Entry) (string, error) {
	var text strings.Builder
	for _, entry := range entries {
		line, err := event.Line(entry.Event, entry.At)
		if err != nil {
			return "", err
		}
		ascii(&text, strings.TrimSuffix(string(line), "\n"))
		text.WriteByte('\n')
	}
	return text.String(), nil
}

// ascii writes a line of JSON with all other characters escaped. They occur in strings only.
func ascii(into *strings.Builder, line string) {
	for _, r := range line {
		switch {
		case r < utf8.RuneSelf:
			into.WriteByte(byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(into, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(into, `\u%04x`, r)
		}
	}
}

const (
	insertEvents = `INSERT INTO rekey.events (run, seq, at, line)
SELECT $1::bigint, e.seq, e.at, e.line FROM unnest($2::bigint[], $3::timestamptz[], $4::text[]) AS e (seq, at, line)
ON CONFLICT (run, seq) DO NOTHING`
	dropEvents      = `DELETE FROM rekey.events WHERE run = $1::bigint AND seq = ANY ($2::bigint[])`
	forgetEvents    = `DELETE FROM rekey.events WHERE run = ANY (ARRAY(SELECT id FROM rekey.runs WHERE scope = $1::text ORDER BY id DESC LIMIT 100 OFFSET $2::bigint))`
	lastEventOfARun = `SELECT coalesce(max(seq), 0) FROM rekey.events WHERE run = $1::bigint`
)

// Events is what [SaveEvents] writes.
type Events struct {
	Run    int64
	Add    []EventRow
	Drop   []int64 // the rows to delete
	Forget string  // the schema whose oldest runs lose their events, so that [KeptRuns] keep theirs; "" for none
}

// SaveEvents writes events in one short transaction, whose commit waits for no disk and no standby: a crash of the server loses
// the last ones.
func SaveEvents(ctx context.Context, pool *pgxpool.Pool, e Events) error {
	settings := shortTx()
	settings.SynchronousCommit = "off"
	settings.ByIndex = true // the table may be large, and its statistics old
	return pg.Run(ctx, pool, settings, func(tx pg.Tx) error { return e.save(ctx, tx) })
}

func (e Events) save(ctx context.Context, tx pg.Tx) error {
	var seqs []int64
	var times []time.Time
	var lines []string
	for _, row := range e.Add {
		seqs, times, lines = append(seqs, row.Seq), append(times, row.At), append(lines, row.Lines)
	}
	if len(e.Add) > 0 {
		if _, err := tx.Exec(ctx, insertEvents, e.Run, seqs, times, lines); err != nil {
			return err
		}
	}
	if len(e.Drop) > 0 {
		if _, err := tx.Exec(ctx, dropEvents, e.Run, e.Drop); err != nil {
			return err
		}
	}
	if e.Forget == "" {
		return nil
	}
	_, err := tx.Exec(ctx, forgetEvents, e.Forget, KeptRuns)
	return err
}

// AppendEvent records an event of a run that has ended, such as its verification.
func AppendEvent(ctx context.Context, pool *pgxpool.Pool, run int64, e event.Event) error {
	return pg.Run(ctx, pool, shortTx(), func(tx pg.Tx) error {
		var last int64
		if err := tx.QueryRow(ctx, lastEventOfARun, run).Scan(&last); err != nil {
			return err
		}
		now := time.Now()
		lines, err := EventLines([]history.Entry{{At: now, Event: e}})
		if err != nil {
			return err
		}
		return Events{Run: run, Add: []EventRow{{Seq: last + 1, At: now, Lines: lines}}}.save(ctx, tx)
	})
}

// LoadEvents returns the recorded events of a run after a position, the oldest first: none if there is no journal, if the role
// may not read it, or if it is older than the table. Events of a newer rekey are left out. trusts is as for [Ensure].
func LoadEvents(ctx context.Context, pool *pgxpool.Pool, run, after int64, trusts ...string) ([]history.Entry, error) {
	var entries []history.Entry
	err := pg.Read(ctx, pool, func(tx pg.Tx) error {
		entries = nil
		s, err := readableTables(ctx, tx, trusts)
		if _, found := s.found["events"]; err != nil || !found {
			return err
		}
		entries, err = loadEvents(ctx, tx, run, after)
		return err
	})
	return entries, err
}

func loadEvents(ctx context.Context, tx pg.Tx, run, after int64) (entries []history.Entry, err error) {
	rows, err := tx.Query(ctx, eventsQuery, run, after)
	if err != nil {
		return nil, err
	}
	var row EventRow
	_, err = pgx.ForEachRow(rows, []any{&row.Seq, &row.Lines}, func() error {
		entries = append(entries, row.after(after)...)
		return nil
	})
	return entries, err
}

// after returns the events of a row after a position.
func (r EventRow) after(position int64) []history.Entry {
	lines := strings.Split(strings.TrimSuffix(r.Lines, "\n"), "\n")
	var entries []history.Entry
	for i, line := range lines {
		seq := r.Seq - int64(len(lines)-1-i)
		if seq <= position {
			continue
		}
		if e, at, err := event.Parse([]byte(line)); err == nil {
			entries = append(entries, history.Entry{Seq: seq, At: at, Event: e})
		}
	}
	return entries
}

// Runs returns the last runs in a schema, at most 100, the newest first: none if there is no journal or the role may not read
// it. trusts is as for [Ensure].
func Runs(ctx context.Context, pool *pgxpool.Pool, schema string, trusts ...string) ([]Run, error) {
	var runs []Run
	err := pg.Read(ctx, pool, func(tx pg.Tx) error {
		runs = nil
		s, err := readableTables(ctx, tx, trusts)
		if err != nil || s.found == nil {
			return err
		}
		rows, err := tx.Query(ctx, runsQuery, schema, maxRuns)
		if err == nil {
			runs, err = pgx.CollectRows(rows, scanRun)
		}
		return err
	})
	return runs, err
}
