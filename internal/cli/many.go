package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// many reports whether --schema or --prefix is a pattern that may match several schemas.
func (f *flags) many() bool {
	_, one := rekey.ExactName(f.pattern())
	return !one
}

// pattern returns the value of --schema or --prefix.
func (f *flags) pattern() string {
	if f.schema != "" {
		return f.schema
	}
	return f.prefix
}

// name returns the name of the schema, or the pattern.
func (f *flags) name() string {
	if name, one := rekey.ExactName(f.pattern()); one {
		return name
	}
	return f.pattern()
}

func (f *flags) checkFleet(cmd *cobra.Command) *problem.Problem {
	if !f.many() {
		for _, word := range []string{"parallel", "canary", "on-error", "max-failures"} {
			if cmd.Flags().Changed(word) {
				return wrong("one_schema", "--"+word+" requires a pattern of schemas", "Try: --schema 'tenant_*'")
			}
		}
		return nil
	}
	if f.page.address != "" {
		return message.OnePage()
	}
	if cmd.Flags().Lookup("parallel") == nil {
		return wrong("one_schema", cmd.CommandPath()+" accepts a single schema, not a pattern", `In a name, \* matches a star and \? a question mark. Try: --schema public`)
	}
	return nil
}

func (f *flags) fleet(schemas []string) rekey.Fleet {
	fleet := rekey.Fleet{Schemas: schemas, Parallel: f.schemaRun.parallel, Canary: f.schemaRun.canary, MaxFailures: f.schemaRun.maxFailures}
	if f.schemaRun.onError == "stop" {
		fleet.MaxFailures = 1
	}
	return fleet
}

// line is the output of a command about one schema.
type line struct {
	text   string
	value  any
	tables int
	rows   int64
	kind   event.Kind // the kind of a plan
}

// one is a command on one schema.
type schemaCommand func(context.Context, *pgxpool.Pool, job) (line, error)

// overMany runs a command on every schema that matches, prints a line for each, and a total.
func (a *app) overMany(cmd *cobra.Command, f *flags, j job, clean bool, do schemaCommand) error {
	begun := time.Now()
	stopping := a.watch(cmd.Context(), clean, func(text string) { fmt.Fprintln(a.Stderr, text) })
	defer stopping.end()
	f.connection.maxConnections = int32(3*f.schemaRun.parallel + 1)
	pools, err := a.connect(stopping.hard, f)
	if err != nil {
		return a.interrupted(err)
	}
	defer pools.close()
	schemas, without, err := a.match(stopping.hard, pools.main, f, j)
	if err != nil {
		return a.interrupted(err)
	}
	j.options.Direct, j.options.Standbys, j.options.Stop = pools.direct, pools.standbys, stopping.soft.Done()
	j.options.Cluster.Nodes = pools.nodes
	c := &fleetCount{app: a, f: f, sum: event.Summary{Command: cmd.Name(), Pattern: f.pattern(), Schemas: len(schemas), Skipped: without}}
	number := f.fleet(schemas).Each(stopping.hard, j.options.Stop, func(ctx context.Context, schema string) error {
		shown, err := do(ctx, pools.main, j.in(schema))
		err = a.interrupted(err)
		c.lines.Store(schema, shown)
		return err
	}, c.ended)
	c.sum.NotBegun, c.sum.Elapsed = len(schemas)-number, time.Since(begun)
	return c.conclude(number)
}

// match returns the schemas that match, and those that match without the profile's tables.
func (a *app) match(ctx context.Context, pool *pgxpool.Pool, f *flags, j job) (found, without []string, err error) {
	if f.schema == "" {
		return a.library.prefixes(ctx, pool, *j.profile, f.prefix)
	}
	found, err = a.library.schemas(ctx, pool, f.schema)
	return found, nil, err
}

// fleetCount prints a line for each schema when its command ends, and adds up.
type fleetCount struct {
	app   *app
	f     *flags
	sum   event.Summary
	lines sync.Map // the output of each schema
	first *problem.Problem
	where string         // the schema of the first failure
	kinds map[string]int // index in sum.Kinds by fingerprint
}

// failedSchema is the JSON of a schema that has no other document.
type failedSchema struct {
	FormatVersion int          `json:"format_version"`
	OK            bool         `json:"ok"`
	Schema        string       `json:"schema"`
	Problems      problem.List `json:"problems"`
}

// ended is called once per schema, one call at a time.
func (c *fleetCount) ended(schema string, err error) {
	said, _ := c.lines.LoadAndDelete(schema)
	shown, _ := said.(line)
	c.sum.Tables += shown.tables
	c.sum.Rows += shown.rows
	c.sort(shown.kind)
	if err == nil {
		c.sum.Done++
	} else {
		c.sum.Failed++
		if c.first == nil {
			c.first, c.where = problem.All(err)[0], schema
		}
		shown.text = screen.FailureLine(problem.All(err))
	}
	if shown.value == nil {
		shown.value = failedSchema{FormatVersion: event.FormatVersion, Schema: schema, Problems: c.app.problems(err)}
	}
	switch {
	case c.f.json:
		c.app.compact(shown.value)
	case c.f.quiet && err == nil:
	default:
		ended := c.sum.Done + c.sum.Failed
		fmt.Fprintf(c.app.Stdout, "[%d/%d] %s: %s\n", ended, c.sum.Schemas, visible.Line(schema), visible.Line(shown.text))
	}
}

// sort counts a plan with the other plans of its kind.
func (c *fleetCount) sort(kind event.Kind) {
	if kind.Fingerprint == "" {
		return
	}
	at, known := c.kinds[kind.Fingerprint]
	if !known {
		if c.kinds == nil {
			c.kinds = map[string]int{}
		}
		at = len(c.sum.Kinds)
		c.kinds[kind.Fingerprint] = at
		c.sum.Kinds = append(c.sum.Kinds, kind)
	}
	c.sum.Kinds[at].Schemas++
}

func (c *fleetCount) conclude(begun int) error {
	var err error
	if c.sum.Failed > 0 || c.sum.NotBegun > 0 {
		err = message.SchemasFailed(c.sum.Failed, c.sum.Schemas, c.first, c.where, begun)
		c.sum.Problems = c.app.problems(err)
	}
	slices.SortStableFunc(c.sum.Kinds, func(a, b event.Kind) int { return cmp.Compare(b.Schemas, a.Schemas) })
	c.sum.OK, c.sum.Exit = err == nil, c.app.exit(err)
	switch {
	case c.f.json:
		screen.JSON(c.app.Stdout, c.app.Stderr).Event(c.sum)
		if err != nil {
			return reportedError{err}
		}
	case !c.f.quiet:
		fmt.Fprintln(c.app.Stdout, screen.Total(c.sum))
	}
	return err
}

// compact writes a value as one line of JSON, and an event as events are written.
func (a *app) compact(value any) {
	if e, ok := value.(event.Event); ok {
		screen.JSON(a.Stdout, a.Stderr).Event(e)
		return
	}
	_ = a.encode(value, "")
}

// planBatch is the number of schemas that are planned together.
const planBatch = 400

// planMany plans every schema that matches. A refusal is a failure.
func (a *app) planMany(cmd *cobra.Command, f *flags, j job) error {
	var pending atomic.Bool
	book := &planAhead{app: a, f: f, plans: map[string]planned{}, lines: map[string]line{}}
	err := a.overMany(cmd, f, j, false, func(ctx context.Context, pool *pgxpool.Pool, j job) (line, error) {
		doc, shown, err := book.plan(ctx, pool, j)
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

func (b *planAhead) plan(ctx context.Context, pool *pgxpool.Pool, j job) (rekey.Plan, line, error) {
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
