package rekey

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/survey"
	"github.com/rekey-pg/rekey/internal/throttle"
	"github.com/rekey-pg/rekey/problem"
)

// Fleet says how a call goes over many schemas. Each schema is a run of its own, with its own lease and
// result; what was done stays, and the same call goes on where this one ended.
type Fleet struct {
	Schemas []string
	// Parallel is how many schemas are worked on at a time: 1 if zero. Each takes up to three of the pool's
	// connections, and needs two, and one besides for as long as it is at work.
	Parallel int
	// Canary is how many schemas go first, one after another; a failure among them ends it all.
	Canary int
	// MaxFailures is after how many failures no other schema begins; never if zero.
	MaxFailures int
}

// Each calls do for the schemas and then done with what it returned, one done at a time. It gives the
// number of schemas that were begun, and comes back when all of those have ended. It begins no other once
// the context or stop has ended.
func (f Fleet) Each(ctx context.Context, stop <-chan struct{}, do func(ctx context.Context, schema string) error, done func(schema string, err error)) int {
	ctx, end := pg.WithSessions(ctx)
	defer end()
	m := &muster{fleet: f, stop: stop, do: do, done: done}
	canary := min(max(0, f.Canary), len(f.Schemas))
	m.march(ctx, f.Schemas[:canary], 1)
	if m.failures > 0 && canary > 0 {
		return m.begun
	}
	m.march(ctx, f.Schemas[canary:], min(max(1, f.Parallel), int(setting.Max("parallel"))))
	return m.begun
}

// muster is the state of one call of Each.
type muster struct {
	fleet Fleet
	stop  <-chan struct{}
	do    func(context.Context, string) error
	done  func(string, error)

	mu              sync.Mutex
	begun, failures int
}

func (m *muster) march(ctx context.Context, schemas []string, workers int) {
	next := make(chan string)
	var all sync.WaitGroup
	for range min(workers, len(schemas)) {
		all.Go(func() {
			for schema := range next {
				m.work(ctx, schema)
			}
		})
	}
	for _, schema := range schemas {
		next <- schema
	}
	close(next)
	all.Wait()
}

// work does one schema, unless it is to go no further.
func (m *muster) work(ctx context.Context, schema string) {
	if !m.begin(ctx) {
		return
	}
	err := m.do(ctx, schema)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.failures++
	}
	m.done(schema, err)
}

func (m *muster) begin(ctx context.Context) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.stop:
		return false
	case <-ctx.Done():
		return false
	default:
	}
	most := m.fleet.MaxFailures
	if m.begun < m.fleet.Canary {
		most = 1
	}
	if most > 0 && m.failures >= most {
		return false
	}
	m.begun++
	return true
}

// MatchSchemas names the schemas that a pattern matches, in order: "*" and "?" are wildcards. PostgreSQL's
// own and the journal's are never among them. One that matches none answers to ErrRefused.
func MatchSchemas(ctx context.Context, pool *pgxpool.Pool, pattern string) (_ []string, err error) {
	defer explain(ctx, "schemas", &err)
	return match(ctx, pool, "schema", pattern)
}

// MatchPrefixes is MatchSchemas for a profile: of the schemas that match, those that have its version table,
// and those that have not, in which there is nothing to do.
func MatchPrefixes(ctx context.Context, pool *pgxpool.Pool, profile Profile, pattern string) (found, without []string, err error) {
	defer explain(ctx, "schemas", &err)
	if found := setting.CheckProfile(profile); len(found) > 0 {
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
	request := setting.Request{Style: setting.Fields, NoScope: true, Texts: map[string][]string{flag: {pattern}}}
	if err := check(pool, request); err != nil {
		return nil, err
	}
	p, err := discover.ParsePattern(pattern)
	if err != nil {
		return nil, err // check has refused it
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

// OneSchema gives the name that a pattern stands for, if it has no wildcard.
func OneSchema(pattern string) (string, bool) {
	p, err := discover.ParsePattern(pattern)
	if err != nil {
		return pattern, true
	}
	return p.Exact()
}

// Planner makes the plans of many schemas, and remembers which are like one another. It is for one goroutine.
type Planner struct {
	pool   *pgxpool.Pool
	config Config
	kinds  map[string]plan.Shared // by fingerprint
}

// NewPlanner plans by a Config whose Schema and Prefix are not looked at.
func NewPlanner(pool *pgxpool.Pool, config Config) *Planner {
	return &Planner{pool: pool, config: config, kinds: map[string]plan.Shared{}}
}

// Plans is MakePlan for some schemas, in their order, but for the rows that it counts: the catalogue is read
// with a few queries for all of them, and of those that have the same plan but for names and sizes only the
// first is planned. The others' plans name that one in Like and leave out what it says. All that is read is in
// memory at a time: a few hundred schemas are a good number.
func (p *Planner) Plans(ctx context.Context, schemas []string) (_ []Plan, err error) {
	defer explain(ctx, "plan", &err)
	if len(schemas) == 0 {
		return nil, nil
	}
	config := p.config.in(schemas[0])
	direction := config.planned()
	if err = config.check(p.pool, "MakePlan", direction); err != nil {
		return nil, err
	}
	order, err := config.order(direction)
	if err != nil {
		return nil, err
	}
	server, err := config.server(ctx, p.pool)
	if err != nil {
		return nil, err
	}
	situations, err := p.survey(ctx, server, order, schemas)
	if err != nil {
		return nil, fault.At(err, "", "survey")
	}
	signals, err := throttle.Check(ctx, p.pool, server.Role, config.signals())
	if err != nil {
		return nil, fault.At(err, "", "signals")
	}
	plans := make([]Plan, len(situations))
	for i, situation := range situations {
		plans[i] = p.plan(situation, signals)
	}
	return plans, nil
}

// survey looks at two halves at a time, since the server takes longer than we do.
func (p *Planner) survey(ctx context.Context, server catalog.Server, order survey.Request, schemas []string) ([]plan.Input, error) {
	var halves [2][]plan.Input
	var errs [2]error
	var all sync.WaitGroup
	middle := (len(schemas) + 1) / 2
	for i, half := range [][]string{schemas[:middle], schemas[middle:]} {
		if len(half) > 0 {
			all.Go(func() { halves[i], errs[i] = survey.ReadMany(ctx, p.pool, server, order, half) })
		}
	}
	all.Wait()
	return append(halves[0], halves[1]...), errors.Join(errs[:]...)
}

func (p *Planner) plan(s plan.Input, signals problem.List) Plan {
	fingerprint := plan.Fingerprint(s)
	if kind, known := p.kinds[fingerprint]; known {
		return kind.For(s)
	}
	made := plan.Build(s)
	if made.Pending() {
		made.Refusals = append(append(made.Refusals, run.MissingRights(made)...), signals...)
	}
	doc := made.Describe(run.DescribeFillings(made, nil)) // no table is read: there may be thousands
	doc.Fingerprint = fingerprint
	if kind, same := plan.Share(made, doc); same {
		p.kinds[fingerprint] = kind
	}
	return doc
}

// in is the Config for one schema of many.
func (c Config) in(schema string) Config {
	if c.Profile.Name == "" {
		c.Schema = schema
	} else {
		c.Prefix = schema
	}
	return c
}
