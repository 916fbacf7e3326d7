package rekey

import (
	"context"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/problem"
)

// Fleet runs a function on many schemas, of one database or of many. Each schema has its own run, lease and result; what was done
// stays, and the same call continues where this one ended.
type Fleet struct {
	// Schemas lists the names of the schemas, or of the databases, in the order in which they begin. Each passes them to its
	// functions and does not use them otherwise.
	Schemas []string
	// Group returns the group of a schema. A group is a number of schemas next to each other, and begins when the one before it has
	// ended. Default: all schemas are in one group.
	Group func(schema string) string
	// OwnPools is true if every schema has a pool of its own, which the function opens and closes. Without it, Each keeps
	// connections of the pool from one schema to the next.
	OwnPools bool
	// Parallel is the number of schemas at a time, between 1 and 32. Each uses up to three connections of the
	// pool, needs two, and opens one of its own. Default: 1.
	Parallel int
	// Canary is the number of schemas that go first, one after another, the first ones of all groups together; a failure among
	// them ends the fleet. Default: none.
	Canary int
	// MaxFailures is the number of failures, in all groups together, after which no further schema begins. Default: no limit.
	MaxFailures int
}

// Check returns an error that matches [problem.ErrUsage] if a number is out of range. Each does not check; it
// uses the nearest number in range.
func (f Fleet) Check() error {
	r := setting.Request{Style: setting.Fields, NoScope: true, Numbers: map[string]int64{}}
	for flag, n := range map[string]int{"parallel": f.Parallel, "canary": f.Canary, "max-failures": f.MaxFailures} {
		if n != 0 {
			r.Numbers[flag] = int64(n)
		}
	}
	if found := setting.Check(r); len(found) > 0 {
		return found
	}
	return nil
}

// Each calls do for every schema, and then done with the error that do returned; done is called once at a
// time and may be nil. Each returns the number of schemas that were begun, when all of them have ended. It begins no further
// schema once the context has ended or stop is closed.
func (f Fleet) Each(ctx context.Context, stop <-chan struct{}, do func(ctx context.Context, schema string) error, done func(schema string, err error)) int {
	if !f.OwnPools {
		with, end := pg.WithSessions(ctx)
		defer end()
		ctx = with
	}
	r := &fleetRun{fleet: f, stop: stop, do: do, done: done}
	canary := min(max(0, f.Canary), len(f.Schemas))
	r.work(ctx, f.Schemas[:canary], 1)
	if r.failures > 0 && canary > 0 {
		return r.begun
	}
	for _, group := range f.groups(f.Schemas[canary:]) {
		r.work(ctx, group, min(max(1, f.Parallel), int(setting.Max("parallel"))))
	}
	return r.begun
}

// groups splits schemas where the group changes.
func (f Fleet) groups(schemas []string) (groups [][]string) {
	if f.Group == nil {
		return [][]string{schemas}
	}
	for i, schema := range schemas {
		if i == 0 || f.Group(schema) != f.Group(schemas[i-1]) {
			groups = append(groups, nil)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], schema)
	}
	return groups
}

// fleetRun is the state of one call of Each.
type fleetRun struct {
	fleet Fleet
	stop  <-chan struct{}
	do    func(context.Context, string) error
	done  func(string, error)

	mu              sync.Mutex
	begun, failures int
}

func (r *fleetRun) work(ctx context.Context, schemas []string, workers int) {
	next := make(chan string)
	var all sync.WaitGroup
	for range min(workers, len(schemas)) {
		all.Go(func() {
			for schema := range next {
				r.schema(ctx, schema)
			}
		})
	}
	for _, schema := range schemas {
		next <- schema
	}
	close(next)
	all.Wait()
}

func (r *fleetRun) schema(ctx context.Context, schema string) {
	if !r.begin(ctx) {
		return
	}
	err := r.do(ctx, schema)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.failures++
	}
	if r.done != nil {
		r.done(schema, err)
	}
}

func (r *fleetRun) begin(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.stop:
		return false
	case <-ctx.Done():
		return false
	default:
	}
	limit := r.fleet.MaxFailures
	if r.begun < r.fleet.Canary {
		limit = 1
	}
	if limit > 0 && r.failures >= limit {
		return false
	}
	r.begun++
	return true
}

// MatchSchemas returns the schemas that match a pattern, sorted. "*" matches any characters, "?" one character.
// PostgreSQL's own schemas and the journal's are left out. If none matches, the error matches
// [problem.ErrRefused].
func MatchSchemas(ctx context.Context, pool *pgxpool.Pool, pattern string) (_ []string, err error) {
	defer explain(ctx, "schemas", &err)
	return match(ctx, pool, "schema", pattern)
}

// MatchProfile returns the schemas that match a pattern: those that have the profile's version table, and those
// that do not, in which there is nothing to do. If none has it, the error matches [problem.ErrRefused].
func MatchProfile(ctx context.Context, pool *pgxpool.Pool, profile Profile, pattern string) (found, without []string, err error) {
	defer explain(ctx, "schemas", &err)
	if found := setting.CheckProfile(profile.internal()); len(found) > 0 {
		return nil, nil, found
	}
	all, err := match(ctx, pool, "prefix", pattern)
	if err != nil {
		return nil, nil, err
	}
	var having []string
	err = pg.Read(ctx, pool, func(tx pg.Tx) error {
		having, err = inspect.SchemasWithTable(ctx, tx, profile.VersionTable)
		return err
	})
	if err != nil {
		return nil, nil, fault.At(err, "", "schemas")
	}
	for _, name := range all {
		if _, here := slices.BinarySearch(having, name); here {
			found = append(found, name)
		} else {
			without = append(without, name)
		}
	}
	if len(found) == 0 {
		return nil, nil, message.NoPrefixMatches(pattern, profile.VersionTable, having)
	}
	return found, without, nil
}

func match(ctx context.Context, pool *pgxpool.Pool, flag, pattern string) ([]string, error) {
	wrong := setting.Check(setting.Request{Style: setting.Fields, NoScope: true, Texts: map[string][]string{flag: {pattern}}})
	if len(wrong) == 0 && pool == nil {
		wrong = problem.List{message.NoPool()}
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	p, err := discover.ParsePattern(pattern)
	if err != nil {
		return nil, err
	}
	var all []string
	err = pg.Read(ctx, pool, func(tx pg.Tx) error {
		var err error
		all, err = inspect.OtherSchemas(ctx, tx, "")
		return err
	})
	if err != nil {
		return nil, fault.At(err, "", "schemas")
	}
	found := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !p.Matches(name) })
	if len(found) == 0 {
		return nil, message.UnknownSchema(pattern, all)
	}
	return found, nil
}
