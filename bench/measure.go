package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// measure runs what the options select, version by version. A run that fails is recorded and the others continue; the
// error joins all failures. The document contains all measurements so far.
func measure(ctx context.Context, o options, say func(string)) (Document, error) {
	d := Document{Format: 1, Begun: time.Now().UTC(), Machine: thisMachine(), Rows: o.rows, Rate: o.rate, Connections: o.connections}
	var failed error
	d.Citus, failed = citus(ctx, o, say)
	if o.only(citusName) {
		return d, failed
	}
	for _, major := range o.versions {
		l, err := open(ctx, o, major, say)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		err = l.measure(ctx)
		l.close()
		l.server.Reach = reach(o.rows, l.server)
		d.Servers = append(d.Servers, *l.server)
		failed = errors.Join(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return d, failed
}

func (l *lab) measure(ctx context.Context) error {
	var failed error
	if l.options.wants(tenantsName) {
		failed = l.tenants(ctx)
	}
	if l.options.wants(smallName) {
		failed = errors.Join(failed, l.small(ctx))
	}
	if l.options.wants(linkName) {
		failed = errors.Join(failed, l.link(ctx))
	}
	if l.options.wantsAny(forecastName) {
		failed = errors.Join(failed, l.forecasts(ctx))
	}
	if l.options.only(forecastName, tenantsName, smallName, linkName, citusName) {
		return failed
	}
	if err := l.build(ctx, l.options.rows); err != nil {
		return errors.Join(failed, err)
	}
	failed = errors.Join(failed, l.size(ctx, false))
	if l.options.wants(functionsName) {
		failed = errors.Join(failed, l.functions(ctx))
	}
	if l.options.wants(insertsName) {
		failed = errors.Join(failed, l.inserts(ctx))
	}
	for _, rows := range l.options.sizes {
		if rows == l.options.rows || ctx.Err() != nil {
			continue
		}
		err := l.build(ctx, rows)
		if err == nil {
			err = l.size(ctx, true)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// size measures the variants on the current template; further selects only those that are repeated at every size.
func (l *lab) size(ctx context.Context, further bool) error {
	var failed error
	for _, v := range variants() {
		if ctx.Err() != nil {
			return errors.Join(failed, context.Cause(ctx))
		}
		if !l.options.wants(v.name) || v.traffic && l.options.quiet || further && !v.scaled() {
			continue
		}
		r, err := l.run(ctx, v)
		if err != nil {
			r.Error = err.Error()
			failed = errors.Join(failed, fmt.Errorf("PostgreSQL %s, %s: %w", l.server.Version, v.name, err))
		}
		l.server.Runs = append(l.server.Runs, r)
		l.say(r.line())
	}
	return failed
}

// run measures one variant on a new copy.
func (l *lab) run(ctx context.Context, v variant) (r Run, err error) {
	r = Run{Name: v.name, Rows: l.rows, Traffic: v.traffic}
	s, err := l.copy(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if !v.traffic {
		err = r.take(ctx, s, v)
		return r, errors.Join(err, r.after(ctx, s, v))
	}
	t, err := begin(ctx, s, v.bursts)
	if err == nil {
		err = r.take(ctx, s, v)
	}
	if t != nil {
		r.Application = t.end(r.begun, r.marks)
	}
	if err == nil {
		err = r.after(ctx, s, v)
	}
	return r, err
}

// take measures while the variant runs.
func (r *Run) take(ctx context.Context, s *site, v variant) error {
	before, err := s.position(ctx)
	if err != nil {
		return err
	}
	r.begun = time.Now()
	o, err := v.carry(ctx, s)
	r.Wall = time.Since(r.begun)
	r.Locks, r.Steps, r.Memory, r.marks = o.locks, o.steps, o.memory, o.marks
	if err != nil {
		return err
	}
	after, err := s.position(ctx)
	r.WAL = after - before
	if !v.idle {
		r.Rate = float64(r.Rows) / r.Wall.Seconds()
	}
	return err
}

// after measures what the run left behind.
func (r *Run) after(ctx context.Context, s *site, v variant) error {
	left, err := s.sizes(ctx)
	if err != nil {
		return err
	}
	r.Table, r.Indexes, r.Updated = left.table, left.indexes, left.updated
	if left.updated > 0 {
		r.HOT = float64(left.hot) / float64(left.updated)
	}
	if v.idle {
		return nil
	}
	return s.reached(ctx)
}

// idle returns how long the application runs without a migration: as long as rekey took.
func (l *lab) idle() time.Duration {
	for _, r := range l.server.Runs {
		if r.Rows == l.rows && strings.HasPrefix(r.Name, "c-normal") && r.Traffic && r.Error == "" {
			return r.Wall
		}
	}
	return l.options.idle
}
