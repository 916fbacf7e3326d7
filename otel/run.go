package rekeyotel

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

// run is a run that works or pauses.
type run struct {
	tracer trace.Tracer
	ctx    context.Context // with the root
	root   trace.Span
	work   map[string]*table // the tables, references and primary keys that have begun and have not ended
	pace   string            // "", slowed or paused
	rows   int64             // counted so far
	meter  *measurements
}

// table is a table, a reference or a primary key.
type table struct {
	ctx  context.Context // with the trace
	on   trace.Span
	rows int64 // counted so far
	done int64 // of the current backfill
}

// begin begins a run. A run without a number has only a result.
func (s *sink) begin(e event.RunStarted, at time.Time) *run {
	command, schema := text(e.Command), text(e.Schema)
	attributes := []attribute.KeyValue{
		attribute.String("db.system.name", "postgresql"), attribute.String("rekey.command", command), attribute.String("rekey.schema", schema),
	}
	if e.Run != 0 {
		attributes = append(attributes, attribute.Int64("rekey.run", e.Run), attribute.Int("rekey.tables.planned", e.Tables),
			attribute.Int("rekey.references.planned", e.Edges), attribute.Int("rekey.keys.planned", e.Keys), attribute.Int64("rekey.rows.planned", e.Rows))
	}
	r := &run{tracer: s.tracer, work: map[string]*table{}}
	r.ctx, r.root = s.tracer.Start(s.ctx, strings.TrimSpace("rekey "+command), trace.WithTimestamp(at), trace.WithAttributes(attributes...))
	r.meter = s.meter.begin(r.ctx, command, schema, e)
	return r
}

// event applies an event between the first and the last one.
func (r *run) event(e event.Event, at time.Time) {
	switch e := e.(type) {
	case event.TableStarted:
		r.beginTable(e, at)
	case event.TableDone:
		r.endTable(e, at)
	case event.StepDone:
		r.step(e, at)
	case event.Progress:
		r.progress(e)
	case event.Locked:
		r.meter.locked(e)
		r.on(e.Table).AddEvent("locked", trace.WithTimestamp(at), trace.WithAttributes(attribute.Int("rekey.lock.attempts", e.Attempts),
			attribute.Float64("rekey.lock.wait", e.Wait.Seconds()), attribute.Float64("rekey.lock.hold", e.Hold.Seconds())))
	case event.LockRefused:
		r.meter.lockRefused()
		if e.Attempts&(e.Attempts-1) == 0 { // the first, second, fourth, eighth …: a run may try for hours
			r.on(e.Table).AddEvent("lock refused", trace.WithTimestamp(at), trace.WithAttributes(attribute.Int("rekey.lock.attempts", e.Attempts),
				attribute.Int("rekey.lock.blockers", len(e.Blockers)), attribute.Float64("rekey.lock.pause", e.Pause.Seconds())))
		}
	case event.Throttled:
		r.throttle(e, at)
	case event.Impact:
		r.meter.set(func(v *values) { v.impact, v.hasImpact = e, true })
	case event.Load:
		r.meter.load(e)
	case event.Measured:
		if e.Table == "" {
			r.root.SetAttributes(attribute.Int64("rekey.wal.bytes", e.WAL), attribute.Int64("rekey.size.before.bytes", e.Before),
				attribute.Int64("rekey.size.after.bytes", e.After))
		}
	case event.Environment:
		r.root.SetAttributes(attribute.String("rekey.program", text(e.Program)), attribute.String("rekey.server", text(e.Server)),
			attribute.String("rekey.phase", text(e.Phase)))
	}
}

// on returns the span of a table, or the run's own.
func (r *run) on(name string) trace.Span {
	if t := r.work[name]; t != nil {
		return t.on
	}
	return r.root
}

func (r *run) beginTable(e event.TableStarted, at time.Time) {
	if earlier := r.work[e.Table]; earlier != nil {
		r.drop(e.Table, earlier, at)
	}
	r.work[e.Table] = r.startTable(e.Table, kind(e.Edge, e.Key), e.Phase, at)
	r.meter.set(func(v *values) { v.active = len(r.work) })
}

func (r *run) startTable(name, kind, phase string, at time.Time) *table {
	t := &table{}
	t.ctx, t.on = r.tracer.Start(r.ctx, kind+" "+text(name), trace.WithTimestamp(at), trace.WithAttributes(
		attribute.String("rekey.table", text(name)), attribute.String("rekey.kind", kind), attribute.String("rekey.phase", text(phase))))
	return t
}

func (r *run) endTable(e event.TableDone, at time.Time) {
	t := r.work[e.Table]
	if t == nil {
		t = r.startTable(e.Table, kind(e.Edge, e.Key), e.Phase, at.Add(-max(0, e.Elapsed)))
	}
	delete(r.work, e.Table)
	r.count(t, e.Rows-t.rows)
	t.on.SetAttributes(attribute.Int64("rekey.rows", max(t.rows, 0)))
	t.on.End(trace.WithTimestamp(at))
	r.meter.set(func(v *values) { v.active, v.finished, v.hasImpact = len(r.work), v.finished+1, false })
}

// drop ends the span of a table that has no end of its own.
func (r *run) drop(name string, t *table, at time.Time) {
	delete(r.work, name)
	t.on.SetAttributes(attribute.Int64("rekey.rows", t.rows), attribute.Bool("rekey.unfinished", true))
	t.on.End(trace.WithTimestamp(at))
}

// step adds the span of a step, which is over.
func (r *run) step(e event.StepDone, at time.Time) {
	parent := r.ctx
	if t := r.work[e.Table]; t != nil {
		parent = t.ctx
	}
	id := text(e.Step)
	attributes := []attribute.KeyValue{attribute.String("rekey.step", id)}
	if e.Table != "" {
		attributes = append(attributes, attribute.String("rekey.table", text(e.Table)))
	}
	if e.Already {
		attributes = append(attributes, attribute.Bool("rekey.already", true))
	}
	_, one := r.tracer.Start(parent, id[strings.LastIndexByte(id, '/')+1:], trace.WithTimestamp(at.Add(-max(0, e.Elapsed))),
		trace.WithAttributes(attributes...))
	one.End(trace.WithTimestamp(at))
}

// progress counts the rows since the last event. A table may have several backfills, each of which counts from 0.
func (r *run) progress(e event.Progress) {
	t := r.work[e.Table]
	if t == nil {
		return
	}
	if e.Done < t.done {
		t.done = 0
	}
	r.count(t, e.Done-t.done)
	t.done = e.Done
}

func (r *run) count(t *table, rows int64) {
	if rows <= 0 {
		return
	}
	t.rows += rows
	r.rows += rows
	r.meter.filled(rows)
}

// throttle adds an event where a pause or a slowdown begins or ends, without its reason, which may name other sessions.
func (r *run) throttle(e event.Throttled, at time.Time) {
	pace, name := "", "resumed"
	switch {
	case e.Reason != "" && e.Paused:
		pace, name = "paused", "paused"
	case e.Reason != "":
		pace, name = "slowed", "slowed"
	}
	if pace == r.pace {
		return
	}
	r.pace = pace
	r.root.AddEvent(name, trace.WithTimestamp(at))
	r.meter.set(func(v *values) { v.paused, v.slowed = pace == "paused", pace == "slowed" })
}

// finish ends the run with its result.
func (r *run) finish(e event.Result, at time.Time) {
	if rest := e.Rows - r.rows; rest > 0 { // of a table that failed
		r.rows += rest
		r.meter.filled(rest)
	}
	r.root.SetAttributes(attribute.Int64("rekey.rows", r.rows), attribute.Int("rekey.exit", e.Exit))
	if e.NothingToDo {
		r.root.SetAttributes(attribute.Bool("rekey.nothing_to_do", true))
	}
	failure := ""
	if !e.OK {
		failure = r.fail(e.Problems)
	}
	r.meter.finished(e, failure)
	r.end(at)
}

// fail sets the status of a run that failed, and returns the code of the first problem.
func (r *run) fail(problems problem.List) string {
	var found []string
	first := problem.Problem{Kind: problem.Failed, Code: "failed"}
	for _, p := range problems {
		if p == nil {
			continue
		}
		if found == nil {
			first = *p
		}
		if code := text(p.Code); !slices.Contains(found, code) {
			found = append(found, code)
		}
	}
	code := text(first.Code)
	r.root.SetStatus(codes.Error, code)
	r.root.SetAttributes(attribute.String("error.type", code), attribute.String("rekey.problem.kind", text(string(first.Kind))),
		attribute.StringSlice("rekey.problem.codes", found))
	if first.SQLState != "" {
		r.root.SetAttributes(attribute.String("db.response.status_code", text(first.SQLState)))
	}
	for _, t := range r.work {
		t.on.SetStatus(codes.Error, code)
	}
	return code
}

// end ends all spans and the gauges of the run.
func (r *run) end(at time.Time) {
	for name, t := range r.work {
		r.drop(name, t, at)
	}
	r.root.End(trace.WithTimestamp(at))
	r.meter.end()
}

// kind returns the word for what a table of an event is.
func kind(edge, key bool) string {
	switch {
	case edge:
		return "reference"
	case key:
		return "key"
	default:
		return "table"
	}
}

// text returns a name as exporters need it: OTLP refuses a whole batch for one invalid byte, which a database in SQL_ASCII may have.
func text(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }
