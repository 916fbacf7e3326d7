package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/fixture/apps"
	"github.com/rekey-pg/rekey/internal/screen"
)

// linkSchema is the schema on which the two applications work.
const linkSchema = "journey"

// Linked reports the second part of the demo: two applications, one that knows only integers and one that knows only
// uuids, while rekey links a schema and returns.
type Linked struct {
	Edges     int           `json:"edges"`
	Rows      int64         `json:"rows"`        // of all edges
	Bad       int64         `json:"bad_rows"`    // whose integer and uuid refer to different rows
	Integers  int64         `json:"by_integers"` // transactions of the application that knows only integers
	UUIDs     int64         `json:"by_uuids"`    // transactions of the application that knows only uuids
	Failed    int64         `json:"failed"`      // transactions of both
	Wrong     int64         `json:"wrong"`       // rows that are lost, or differ from the applications' record
	Errors    []string      `json:"errors,omitempty"`
	Longest   time.Duration `json:"longest_ns"`
	LongestOf string        `json:"longest_of"`
	Up        event.Result  `json:"up"`
	Down      event.Result  `json:"down"`
	Elapsed   time.Duration `json:"elapsed_ns"`
}

func (Linked) name() string { return "linked" }

// The amount of work in the second part.
const (
	linkRows         = 400 // customers; the other tables have up to four times as many
	linkTransactions = 300 // of each application, after up
)

// link runs the second part, after the first has ended.
func (d *Demo) link(ctx context.Context) error {
	begun := time.Now()
	d.emit(Began{Stage: "link", Text: "two applications, one by integers and one by uuids, through link and back"})
	g := apps.Shop(linkSchema, linkRows)
	if err := d.execute(ctx, g.SQL()); err != nil {
		return err
	}
	if _, err := d.phase(ctx, rekey.Expanded, (*rekey.Migrator).Up); err != nil {
		return err
	}
	traffic, err := apps.Start(ctx, apps.Options{URL: hostURL(d.cluster), Graph: g, Pause: 10 * time.Millisecond})
	if err != nil {
		return err
	}
	defer traffic.Stop()
	l := &d.result.Link
	err = d.linkAndBack(ctx, g, traffic, l)
	f := traffic.Figures()
	l.Integers, l.UUIDs, l.Failed, l.Longest, l.LongestOf = f.Integers, f.UUIDs, f.Failed, f.Longest, f.LongestOf
	l.Wrong += f.Wrong
	l.Errors = append(l.Errors, f.Errors...)
	l.Elapsed = time.Since(begun)
	if err == nil {
		d.emit(*l)
	}
	return err
}

func (d *Demo) linkAndBack(ctx context.Context, g apps.Graph, traffic *apps.Traffic, l *Linked) (err error) {
	if l.Up, err = d.phase(ctx, rekey.Linked, (*rekey.Migrator).Up); err != nil {
		return err
	}
	traffic.Filled()
	d.interfereAt(ctx, "linked")
	until := func(f apps.Figures) bool { return f.Integers >= linkTransactions && f.UUIDs >= linkTransactions }
	for started := time.Now(); !until(traffic.Figures()) && time.Since(started) < timeout; {
		if err := rest(ctx, settle/settleChecks); err != nil {
			return err
		}
	}
	traffic.RetireUUIDs() // as a deployment before down does
	if err := d.prove(ctx, g, traffic, l); err != nil {
		return err
	}
	if l.Down, err = d.phase(ctx, rekey.Expanded, (*rekey.Migrator).Down); err != nil {
		return err
	}
	traffic.Stop()
	return d.compare(ctx, traffic, l, false)
}

// prove compares both keys of every row, and every row with the applications' record.
func (d *Demo) prove(ctx context.Context, g apps.Graph, traffic *apps.Traffic, l *Linked) (err error) {
	traffic.Pause(func() {
		var proofs []apps.Proof
		if proofs, err = apps.Prove(ctx, d.pool, g); err != nil {
			return
		}
		l.Edges = len(proofs)
		for _, p := range proofs {
			l.Rows += p.Rows
			l.Bad += p.Bad + p.Orphans
		}
		err = d.compare(ctx, traffic, l, true)
	})
	return err
}

func (d *Demo) compare(ctx context.Context, traffic *apps.Traffic, l *Linked, linked bool) error {
	differences, err := traffic.Check(ctx, d.pool, linked)
	l.Wrong += int64(len(differences))
	l.Errors = append(l.Errors, differences[:min(len(differences), mostErrors)]...)
	return err
}

// phase runs rekey on the schema.
func (d *Demo) phase(ctx context.Context, to rekey.Phase, run func(*rekey.Migrator, context.Context) (event.Result, error)) (event.Result, error) {
	m, err := rekey.New(d.pool, rekey.Schema{Name: linkSchema}, &rekey.Options{To: to})
	if err != nil {
		return event.Result{}, err
	}
	return run(m, ctx)
}

func (d *Demo) execute(ctx context.Context, sql string) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	_, err = conn.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// reasons returns why the second part of a finished demo is not OK.
func (l Linked) reasons(limit time.Duration) []string {
	var reasons []string
	add := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	example := "without an example"
	if len(l.Errors) > 0 {
		example = l.Errors[0]
	}
	if l.Failed > 0 {
		add("%s transactions of the two applications failed: %s", screen.Count(l.Failed), example)
	}
	if l.Wrong > 0 {
		add("%s rows of the two applications are lost or wrong: %s", screen.Count(l.Wrong), example)
	}
	if l.Bad > 0 {
		add("the two keys of %s rows differ after link", screen.Count(l.Bad))
	}
	if l.Longest > limit {
		add("a transaction of the two applications took %s, more than %s: %s", screen.FormatDuration(l.Longest), screen.FormatDuration(limit), l.LongestOf)
	}
	if !l.Up.OK || !l.Down.OK || l.Integers == 0 || l.UUIDs == 0 || l.Rows == 0 {
		add("not all of link and its way back ran with both applications")
	}
	return reasons
}

// lines returns the second part for people.
func (l Linked) lines() []string {
	keys := fmt.Sprintf("both keys equal in %s rows of %d foreign keys", screen.Count(l.Rows), l.Edges)
	if l.Bad > 0 {
		keys = fmt.Sprintf("different keys in %s of %s rows", screen.Count(l.Bad), screen.Count(l.Rows))
	}
	return []string{
		fact("link", fmt.Sprintf("%s transactions by integers, %s by uuids, %s errors",
			screen.Count(l.Integers), screen.Count(l.UUIDs), screen.Count(l.Failed+l.Wrong)), l.Elapsed),
		fact("", fmt.Sprintf("longest wait %s; %s", fine(l.Longest), keys), 0),
	}
}
