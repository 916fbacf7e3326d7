package run

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/impact"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/probe"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/trust"
	"github.com/rekey-pg/rekey/internal/visible"
)

const (
	controlInterval = 25 * time.Millisecond
	impactInterval  = time.Second
	// smallFills is how long small tables are filled without a probe: it costs a connection.
	smallFills = 3 * time.Second
	// restPages is the size from which the filling of a table begins with a rest, which takes less than a tenth of its time.
	restPages = 8192
	// silence is how long the probe may return no sample before the run keeps a fixed pace: it has lost its connection and gets no
	// other, or its write is refused.
	silence = 5 * time.Second
)

// impactLoop steers the pace of a run by what its probe measures. The probe starts with the first table that takes a while.
type impactLoop struct {
	pace *pace.Pace
	emit event.Sink

	mu         sync.Mutex
	controller *impact.Controller
	probe      *probe.Probe
	flusher    *probe.Flusher // nil until there is a limit and the probe has its connection
	failed     bool
	table      string
	large      bool
	filled     time.Duration // by small tables
	last       pace.Setting
	causes     impact.Causes
	cause      string    // what else makes the application wait
	reason     string    // why the run is slower, as reported
	sampled    time.Time // the last sample, or when none was wanted
	lost       bool      // there was no sample for silence
	trying     bool      // the setting is a trial's

	startFlusher func() *probe.Flusher
}

func newImpactLoop(p *pace.Pace, emit event.Sink) *impactLoop {
	return &impactLoop{pace: p, emit: emit, controller: impact.NewController()}
}

// begin begins to measure for a table that is about to be filled. The returned function ends it.
func (l *impactLoop) begin(ctx context.Context, e *Executor, name string, table *catalog.Table) (end func()) {
	began := time.Now()
	l.mu.Lock()
	wanted := e.Lease != nil && (table.Pages >= largeTablePages || l.filled >= smallFills)
	if wanted && !l.failed && pg.DBIsLimited(ctx) {
		l.fail("the *sql.DB has a limit of connections, and a probe needs one of its own")
	}
	if wanted && l.failed {
		l.mu.Unlock()
		l.pace.Set(unmeasured(l.pace))
		return func() { l.pace.Set(pace.Setting{}) }
	}
	if wanted {
		l.table, l.large, l.sampled = name, table.Pages >= restPages, time.Now()
	}
	l.mu.Unlock()
	if !wanted {
		return func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.filled += time.Since(began)
		}
	}
	l.start(e.lifetime, e)
	pages := table.Pages
	if trust.RunsOwnersCode(e.Plan.Server.Role, *table) {
		pages = 0 // planning a read would run code that its owner has just added: only commits are measured
		l.mu.Lock()
		l.controller.Forget(impact.Read)
		l.mu.Unlock()
	}
	l.probe.SetTable(probe.Table{Name: sqltext.Table{Schema: table.Schema, Name: table.Name, Only: true}, OID: table.OID, Pages: pages})
	l.apply(time.Now())
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.control(ctx)
	}()
	return func() {
		cancel()
		<-done
		l.emitImpact(time.Now())
		l.probe.SetTable(probe.Table{})
		l.mu.Lock()
		l.table, l.last = "", pace.Setting{}
		l.mu.Unlock()
		l.pace.Set(pace.Setting{})
		l.report("")
	}
}

// start starts the probe, once. The context lives as long as the run, since the probe serves one table after the other.
func (l *impactLoop) start(ctx context.Context, e *Executor) {
	if l.probe != nil {
		return
	}
	l.startFlusher = func() *probe.Flusher {
		return probe.StartFlusher(ctx, probe.FlusherConfig{Pool: e.Direct, Scope: e.Plan.SchemaName, Batches: l.unflushed})
	}
	l.probe = probe.Start(ctx, probe.Config{
		Pool: e.Direct, Scope: e.Plan.SchemaName, Wanted: l.wanted,
		Resting: func() bool {
			resting, _ := l.pace.Resting()
			return resting && l.pace.Working() == 0
		},
		Record: func(s impact.Sample) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if s.Kind == impact.Commit { // a read has a baseline only where a commit has one
				l.sampled = time.Now()
			}
			l.controller.Record(s, l.goal())
		},
		Major: e.Plan.Server.Major(),
		Activity: func(a impact.Activity) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.cause = l.causes.Next(a)
		},
		Failed: func(err error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.fail("the probe could not start: " + visible.Line(fault.Reason(err)))
		},
	})
}

// unflushed returns the number of batches so far and whether one is running, while they leave their WAL to the flusher.
func (l *impactLoop) unflushed() (begun int64, running bool) {
	if l.pace.Setting().Flush != pace.FlushByFlusher {
		return 0, false
	}
	return l.pace.Begun(), l.pace.Working() > 0
}

// fail reports that the run has no probe. The caller holds l.mu.
func (l *impactLoop) fail(why string) {
	l.failed = true
	l.emit.Emit(event.Notice{Text: "the impact on the application is not measured, and the run keeps the fixed pace " + string(l.pace.Speed()) + ": " + why})
}

// end ends the probe and the flusher.
func (l *impactLoop) end() {
	if l != nil && l.probe != nil {
		l.probe.End()
	}
	if l != nil && l.flusher != nil {
		l.flusher.End()
	}
}

func (l *impactLoop) goal() impact.Goal {
	flush := pace.FlushByBatch
	if l.flusher != nil && l.flusher.Connected() {
		flush = pace.FlushByFlusher
	}
	return impact.Goal{
		Limit: l.pace.MaxImpact(), Workers: l.pace.Speed().MaxWorkers(), Longest: l.pace.Longest(), Large: l.large, Cause: l.cause, Flush: flush,
	}
}

// control applies the controller's settings until the context ends.
func (l *impactLoop) control(ctx context.Context) {
	ticker := time.NewTicker(controlInterval)
	defer ticker.Stop()
	reported := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			l.apply(now)
			if now.Sub(reported) >= impactInterval {
				reported = now
				l.emitImpact(now)
			}
		}
	}
}

// apply sets the pace.
func (l *impactLoop) apply(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, running := l.probe.Pending(now)
	if reason, _ := l.pace.Paused(); running || reason != "" {
		l.sampled = now
	}
	l.lose(now.Sub(l.sampled) > silence)
	setting := unmeasured(l.pace)
	if !l.failed && !l.lost {
		if running {
			l.controller.Record(s, l.goal())
		}
		if l.flusher == nil && l.pace.MaxImpact() > 0 && l.probe.Connected() { // the probe goes first if only one connection is left
			l.flusher = l.startFlusher()
		}
		setting = l.controller.Next(now, l.goal())
		l.trying = l.controller.Trying()
	}
	if setting != l.last {
		l.last = setting
		l.pace.Set(setting)
	}
}

// wanted reports whether rows are filled now. Otherwise the probe would measure nothing of the run, and write for hours.
func (l *impactLoop) wanted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	reason, _ := l.pace.Paused()
	return l.table != "" && reason == ""
}

// lose reports that the probe returns no samples, and that it returns some again. The caller holds l.mu.
func (l *impactLoop) lose(lost bool) {
	if lost == l.lost || l.failed {
		return
	}
	l.lost = lost
	text := "the impact on the application is measured again"
	if lost {
		text = fmt.Sprintf("the probe has measured nothing for %g s; until it does, the run keeps the fixed pace %s", silence.Seconds(), l.pace.Speed())
	}
	l.emit.Emit(event.Notice{Text: text})
}

// emitImpact reports what the probe measures, and whether the run is slower because of it.
func (l *impactLoop) emitImpact(now time.Time) {
	l.mu.Lock()
	reading, setting, limit := l.controller.Reading(now), l.pace.Setting(), l.pace.MaxImpact()
	nominal := float64(l.pace.Speed().MaxWorkers()) * l.pace.Speed().Duty()
	table, reason, cause, lost, trying := l.table, l.reason, l.cause, l.lost || l.failed, l.trying
	l.mu.Unlock()
	if lost {
		l.report("")
		return
	}
	if reading.Ratio <= max(limit, 1) {
		cause = "" // nothing to explain
	}
	if reading.Idle[impact.Commit] == 0 && reading.Took[impact.Commit] == 0 {
		return
	}
	l.emit.Emit(event.Impact{
		Table: table, Commit: reading.Took[impact.Commit], CommitIdle: reading.Idle[impact.Commit],
		Read: reading.Took[impact.Read], ReadIdle: reading.Idle[impact.Read], Ratio: reading.Ratio, Limit: limit,
		Workers: setting.Workers, BatchTime: setting.BatchTime, Duty: setting.Duty, Cause: cause,
	})
	const slow, fast = 0.4, 0.7 // of the speed's own pace
	switch share := float64(setting.Workers) * setting.Duty / nominal; {
	case limit <= 0 || share > fast && !trying: // most trials fail
		reason = ""
	case reading.Ratio > limit && (share < slow || reason != ""):
		reason = slowReason(reading, limit, cause)
	}
	l.report(reason)
}

// slowReason says why the run is slower than its speed.
func slowReason(r impact.Reading, limit float64, cause string) string {
	what := "commits"
	if r.Worst == impact.Read {
		what = "reads"
	}
	text := fmt.Sprintf("%s take %.1f times as long as at rest (limit %g)", what, r.Ratio, limit)
	switch cause {
	case impact.Checkpoint:
		text += "; a checkpoint is running"
	case impact.WALSegments:
		text += "; new WAL segments are created (min_wal_size)"
	case impact.Autovacuum:
		text += "; an autovacuum of the table is running"
	}
	return text
}

// report reports why the run is slower, "" for its end. It reports a reason whose figures have changed only once. A pause has a reason of
// its own, and its end withdraws all: then the reason is reported again.
func (l *impactLoop) report(reason string) {
	pause, _ := l.pace.Paused()
	l.mu.Lock()
	changed := (reason == "") != (l.reason == "")
	if l.reason = reason; pause != "" {
		l.reason = ""
	}
	l.mu.Unlock()
	if changed && pause == "" {
		signal := ""
		if reason != "" {
			signal = "impact"
		}
		l.emit.Emit(event.Throttled{Reason: reason, Signal: signal})
	}
}

// unmeasured returns the setting without a probe.
func unmeasured(p *pace.Pace) pace.Setting {
	if p.MaxImpact() <= 0 {
		return pace.Setting{}
	}
	return p.Speed().Fixed()
}
