package demo

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/fixture/apps"
	"github.com/rekey-pg/rekey/internal/screen"
)

//go:embed queries/fingerprint.sql
var fingerprintSQL string

// journeySchema is the schema on which the two applications work.
const journeySchema = "journey"

// Journey reports the second part of the demo: two applications, one that knows only integers and one that knows only uuids,
// while rekey links a schema, switches its primary keys, switches them back and again, and ends the integers. The application
// by integers is retired before that.
type Journey struct {
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
	Phases    []PhaseRun    `json:"phases"`
	// Different are the lines of the catalogue that the way back from switched has not restored, and Same those that it has.
	Different []string      `json:"different,omitempty"`
	Same      int           `json:"same"`
	Elapsed   time.Duration `json:"elapsed_ns"`
}

// PhaseRun is one run of rekey on the journey.
type PhaseRun struct {
	Phase  rekey.Phase  `json:"phase"` // the phase of the schema after the run, according to status
	Result event.Result `json:"result"`
}

func (Journey) name() string { return "journey" }

// The amount of work in the second part.
const (
	journeyRows         = 400 // customers; the other tables have up to four times as many
	journeyTransactions = 60  // of each application, in each phase
)

// journey runs the second part, after the first has ended.
func (d *Demo) journey(ctx context.Context) error {
	begun := time.Now()
	d.emit(Began{Stage: "journey", Text: "two applications, one by integers and one by uuids, from integer keys to uuids"})
	g := journeyGraph()
	if err := d.execute(ctx, g.SQL()); err != nil {
		return err
	}
	if _, err := d.runPhase(ctx, rekey.Expanded, (*rekey.Migrator).Up); err != nil {
		return err
	}
	traffic, err := apps.Start(ctx, apps.Options{URL: hostURL(d.cluster), Graph: g, Pause: 10 * time.Millisecond})
	if err != nil {
		return err
	}
	defer traffic.Stop()
	j := &d.result.Journey
	err = d.travel(ctx, g, traffic, j)
	f := traffic.Figures()
	j.Integers, j.UUIDs, j.Failed, j.Longest, j.LongestOf = f.Integers, f.UUIDs, f.Failed, f.Longest, f.LongestOf
	j.Wrong += f.Wrong
	j.Errors = append(j.Errors, f.Errors...)
	j.Elapsed = time.Since(begun)
	if err == nil {
		d.emit(*j)
	}
	return err
}

// journeyGraph returns the shop without partitions by id: their primary key must hold the integer.
func journeyGraph() apps.Graph {
	g := apps.Shop(journeySchema, journeyRows)
	for i := range g.Tables {
		g.Tables[i].Parts = 0
	}
	return g
}

func (d *Demo) travel(ctx context.Context, g apps.Graph, traffic *apps.Traffic, j *Journey) error {
	if err := d.stage(ctx, j, rekey.Linked, (*rekey.Migrator).Up); err != nil {
		return err
	}
	traffic.Filled()
	d.interfereAt(ctx, "linked")
	before, err := d.fingerprint(ctx)
	if err != nil {
		return err
	}
	for _, way := range []struct {
		to  rekey.Phase
		run func(*rekey.Migrator, context.Context) (event.Result, error)
	}{
		{rekey.Switched, (*rekey.Migrator).Up}, {rekey.Linked, (*rekey.Migrator).Down}, {rekey.Switched, (*rekey.Migrator).Up},
	} {
		if err := d.work(ctx, traffic, true); err != nil {
			return err
		}
		if err := d.stage(ctx, j, way.to, way.run); err != nil {
			return err
		}
		if way.to == rekey.Linked {
			if err := d.compareFingerprints(ctx, j, before); err != nil {
				return err
			}
		}
	}
	return d.end(ctx, g, traffic, j)
}

// end retires the application by integers, proves that both keys of every row are equal, and ends the integers.
func (d *Demo) end(ctx context.Context, g apps.Graph, traffic *apps.Traffic, j *Journey) error {
	if err := d.work(ctx, traffic, true); err != nil {
		return err
	}
	if err := d.prove(ctx, g, traffic, j); err != nil {
		return err
	}
	traffic.RetireIntegers()
	if err := d.stage(ctx, j, rekey.Contracted, (*rekey.Migrator).Up); err != nil {
		return err
	}
	if err := d.work(ctx, traffic, false); err != nil {
		return err
	}
	traffic.Stop()
	differences, err := traffic.CheckUUIDs(ctx, d.pool)
	j.add(differences)
	return err
}

// work waits until each application has done its share of transactions since now.
func (d *Demo) work(ctx context.Context, traffic *apps.Traffic, integers bool) error {
	before := traffic.Figures()
	for started := time.Now(); time.Since(started) < timeout; {
		f := traffic.Figures()
		if f.UUIDs-before.UUIDs >= journeyTransactions && (!integers || f.Integers-before.Integers >= journeyTransactions) {
			return nil
		}
		if err := rest(ctx, settle/settleChecks); err != nil {
			return err
		}
	}
	return nil
}

// stage runs rekey and records the phase that the schema has then.
func (d *Demo) stage(ctx context.Context, j *Journey, to rekey.Phase, run func(*rekey.Migrator, context.Context) (event.Result, error)) error {
	result, err := d.runPhase(ctx, to, run)
	if err != nil {
		return err
	}
	m, err := rekey.New(d.pool, rekey.Schema{Name: journeySchema}, nil)
	if err != nil {
		return err
	}
	status, err := m.Status(ctx)
	j.Phases = append(j.Phases, PhaseRun{Phase: status.Phase, Result: result})
	return err
}

// prove compares both keys of every row, and every row with the applications' record.
func (d *Demo) prove(ctx context.Context, g apps.Graph, traffic *apps.Traffic, j *Journey) (err error) {
	traffic.Pause(func() {
		var proofs []apps.Proof
		if proofs, err = apps.Prove(ctx, d.pool, g); err != nil {
			return
		}
		j.Edges = len(proofs)
		for _, p := range proofs {
			j.Rows += p.Rows
			j.Bad += p.Bad + p.Orphans
		}
		var differences []string
		differences, err = traffic.Check(ctx, d.pool, true)
		j.add(differences)
	})
	return err
}

// add counts rows that differ from the applications' record.
func (j *Journey) add(differences []string) {
	j.Wrong += int64(len(differences))
	j.Errors = append(j.Errors, differences[:min(len(differences), mostErrors)]...)
}

// runPhase runs rekey on the schema. The applications tolerate all hazards.
func (d *Demo) runPhase(ctx context.Context, to rekey.Phase, run func(*rekey.Migrator, context.Context) (event.Result, error)) (event.Result, error) {
	m, err := rekey.New(d.pool, rekey.Schema{Name: journeySchema}, &rekey.Options{
		To: to, Confirm: journeySchema, Soak: rekey.NoSoak, Accept: []rekey.HazardName{
			rekey.HazardGroupBy, rekey.HazardOnConflictConstraint, rekey.HazardOnConflictRace, rekey.HazardIntegerReads, rekey.HazardLostObjects,
		},
	})
	if err != nil {
		return event.Result{}, err
	}
	return run(m, ctx)
}

func (d *Demo) fingerprint(ctx context.Context) ([]string, error) {
	found, err := d.pool.Query(ctx, fingerprintSQL, journeySchema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[string])
}

// compareFingerprints compares the catalogue with the one from before the switch.
func (d *Demo) compareFingerprints(ctx context.Context, j *Journey, before []string) error {
	after, err := d.fingerprint(ctx)
	for _, line := range before {
		if !slices.Contains(after, line) {
			j.Different = append(j.Different, "missing: "+line)
		} else {
			j.Same++
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			j.Different = append(j.Different, "new: "+line)
		}
	}
	return err
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

// way returns the phases of the journey in order.
func (j Journey) way() string {
	var names []string
	for _, p := range j.Phases {
		names = append(names, string(p.Phase))
	}
	return strings.Join(names, ", ")
}

// completeWay is what way returns for a journey that went everywhere.
const completeWay = "linked, switched, linked, switched, contracted"

// reasons returns why the second part of a finished demo is not OK.
func (j Journey) reasons(limit time.Duration) []string {
	var reasons []string
	add := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	example := "without an example"
	if len(j.Errors) > 0 {
		example = j.Errors[0]
	}
	if j.Failed > 0 {
		add("%s transactions of the two applications failed: %s", screen.Count(j.Failed), example)
	}
	if j.Wrong > 0 {
		add("%s rows of the two applications are lost or wrong: %s", screen.Count(j.Wrong), example)
	}
	if j.Bad > 0 {
		add("the two keys of %s rows differ", screen.Count(j.Bad))
	}
	if j.Longest > limit {
		add("a transaction of the two applications took %s, more than %s: %s", screen.FormatDuration(j.Longest), screen.FormatDuration(limit), j.LongestOf)
	}
	if len(j.Different) > 0 {
		add("the way back from switched left %d differences in the catalogue: %s", len(j.Different), j.Different[0])
	}
	if j.way() != completeWay || j.Integers == 0 || j.UUIDs == 0 || j.Rows == 0 || j.Same == 0 {
		add("not all of the journey ran with both applications: %s", j.way())
	}
	return reasons
}

// lines returns the second part for people.
func (j Journey) lines() []string {
	keys := fmt.Sprintf("both keys equal in %s rows of %d foreign keys", screen.Count(j.Rows), j.Edges)
	if j.Bad > 0 {
		keys = fmt.Sprintf("different keys in %s of %s rows", screen.Count(j.Bad), screen.Count(j.Rows))
	}
	lines := []string{fact("journey", fmt.Sprintf("%s transactions by integers, %s by uuids, %s errors",
		screen.Count(j.Integers), screen.Count(j.UUIDs), screen.Count(j.Failed+j.Wrong)), j.Elapsed)}
	for _, p := range j.Phases {
		lines = append(lines, fact("", fmt.Sprintf("to %s: %d exclusive locks, held at most %s", p.Phase, p.Result.Locks.Count, atLeast(p.Result.Locks.LongestHold)), p.Result.Elapsed))
	}
	return append(lines,
		fact("", fmt.Sprintf("longest wait %s; %s", fine(j.Longest), keys), 0),
		fact("", fmt.Sprintf("way back from switched: %d of %d lines of the catalogue as before", j.Same, j.Same+len(j.Different)), 0))
}
