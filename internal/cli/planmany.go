package cli

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/screen"
)

// planBatch is the number of schemas that are planned together.
const planBatch = 400

// planMany plans every schema that matches, or every target. A refusal is a failure.
func (a *app) planMany(cmd *cobra.Command, f *flags, j job) error {
	var pending atomic.Bool
	book := &planAhead{app: a, f: f, plans: map[string]planned{}, lines: map[string]line{}}
	err := a.readMany(cmd, f, j, func(ctx context.Context, pool *pgxpool.Pool, m member, j job) (line, error) {
		doc, shown, err := book.plan(ctx, pool, m, j)
		if err != nil {
			return line{}, err
		}
		if !doc.NothingToDo {
			pending.Store(true)
		}
		if len(doc.Refusals) > 0 {
			return shown, doc.Refusals
		}
		return shown, nil
	})
	if err == nil && f.exitCode && pending.Load() {
		return errPending
	}
	return err
}

// planAhead plans the next schemas in batches and keeps their plans.
type planAhead struct {
	app   *app
	f     *flags
	mu    sync.Mutex
	next  planner
	all   []string // the schemas that are not planned yet
	plans map[string]planned
	lines map[string]line // of the first schema of each kind
}

type planned struct {
	doc  rekey.Plan
	line line
}

func (b *planAhead) plan(ctx context.Context, pool *pgxpool.Pool, m member, j job) (rekey.Plan, line, error) {
	if m.target != nil {
		return b.ofTarget(ctx, pool, m, j)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	schema := j.schema.Name
	if _, ok := b.plans[schema]; !ok {
		if err := b.ahead(ctx, pool, j, schema); err != nil {
			return rekey.Plan{}, line{}, err
		}
	}
	made := b.plans[schema]
	delete(b.plans, schema)
	return made.doc, made.line, nil
}

// ofTarget plans the schema of a target.
func (b *planAhead) ofTarget(ctx context.Context, pool *pgxpool.Pool, m member, j job) (rekey.Plan, line, error) {
	next, err := b.app.library.planner(pool, j)
	if err != nil {
		return rekey.Plan{}, line{}, err
	}
	docs, err := next.Plans(ctx, j.direction, []string{m.schema})
	if err != nil {
		return rekey.Plan{}, line{}, err
	}
	shown := line{value: docs[0], kind: event.Kind{SameAs: m.label(), Fingerprint: docs[0].Fingerprint}}
	shown.text, shown.tables = screen.PlanLine(docs[0])
	return docs[0], shown, nil
}

// ahead plans the schema and the ones after it.
func (b *planAhead) ahead(ctx context.Context, pool *pgxpool.Pool, j job, schema string) error {
	if b.next == nil {
		var err error
		if b.next, err = b.app.library.planner(pool, j); err != nil {
			return err
		}
		if b.all, _, err = b.app.match(ctx, pool, b.f, j); err != nil {
			return err
		}
	}
	next := []string{schema}
	if at := slices.Index(b.all, schema); at >= 0 { // else it is new, or the batch before failed
		next = b.all[at:min(at+planBatch, len(b.all))]
		b.all = b.all[at+len(next):]
	}
	docs, err := b.next.Plans(ctx, j.direction, next)
	for i, doc := range docs {
		b.plans[next[i]] = planned{doc, b.line(doc)} // in order: the first of a kind is printed first
	}
	return err
}

// line returns the output for a plan. A plan that equals an earlier one has the earlier text.
func (b *planAhead) line(doc rekey.Plan) line {
	shown := line{value: doc, kind: event.Kind{SameAs: doc.Schema, Fingerprint: doc.Fingerprint}}
	if first, known := b.lines[doc.SameAs]; doc.SameAs != "" && known {
		shown.text, shown.tables, shown.kind.SameAs = "like "+doc.SameAs+": "+first.text, first.tables, doc.SameAs
		return shown
	}
	shown.text, shown.tables = screen.PlanLine(doc)
	b.lines[doc.Schema] = line{text: shown.text, tables: shown.tables}
	return shown
}
