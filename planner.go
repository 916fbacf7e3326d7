package rekey

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/internal/survey"
	"github.com/rekey-pg/rekey/internal/throttle"
	"github.com/rekey-pg/rekey/problem"
)

// Planner plans many schemas, and plans those that are alike once. It is for one goroutine.
type Planner struct {
	migrator *Migrator
	shared   map[string]sharedPlan // by fingerprint
}

// NewPlanner returns a Planner for the scope in the schemas that Plans names; the scope's own schema does not
// matter. It validates as [New] does.
func NewPlanner(pool *pgxpool.Pool, scope Scope, options *Options) (*Planner, error) {
	m, err := New(pool, inAnySchema(scope), options)
	if err != nil {
		return nil, err
	}
	return &Planner{migrator: m, shared: map[string]sharedPlan{}}, nil
}

func inAnySchema(scope Scope) Scope {
	if scope == nil {
		return nil
	}
	return scope.in("public")
}

// Plans returns the plans of the schemas, in their order. It reads the catalogue with a few queries for all of
// them, and counts no rows. Of the schemas whose plans are equal except for names and sizes only the first is
// described; the plans of the others name it in SameAs and leave out its details. Everything that is read is in
// memory at once: pass a few hundred schemas at a time.
func (p *Planner) Plans(ctx context.Context, direction Direction, schemas []string) (_ []Plan, err error) {
	defer explain(ctx, "plan", &err)
	if len(schemas) == 0 {
		return nil, nil
	}
	if err := p.migrator.checkDirection(direction); err != nil {
		return nil, err
	}
	m := *p.migrator
	m.scope = m.scope.in(schemas[0])
	request, err := m.request(plan.Direction(direction))
	if err != nil {
		return nil, err
	}
	server, err := m.server(ctx)
	if err != nil {
		return nil, err
	}
	request.Nodes = m.nodes()
	inputs, err := m.surveyMany(ctx, server, request, schemas)
	if err != nil {
		return nil, fault.At(err, "", "survey")
	}
	signals, err := throttle.Check(ctx, m.pool, server.Role, m.signals())
	if err != nil {
		return nil, fault.At(err, "", "signals")
	}
	defer request.Nodes.Close()
	nodes := run.NewNodeCheck(m.pool, request.Nodes, m.signals())
	plans := make([]Plan, len(inputs))
	for i, input := range inputs {
		if plans[i], err = p.plan(ctx, input, signals, nodes); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

// surveyMany reads two halves at a time, since the server takes longer than this process.
func (m *Migrator) surveyMany(ctx context.Context, server catalog.Server, request survey.Request, schemas []string) ([]plan.Input, error) {
	var halves [2][]plan.Input
	var errs [2]error
	var all sync.WaitGroup
	middle := (len(schemas) + 1) / 2
	for i, half := range [][]string{schemas[:middle], schemas[middle:]} {
		if len(half) > 0 {
			all.Go(func() { halves[i], errs[i] = survey.ReadMany(ctx, m.pool, server, request, half) })
		}
	}
	all.Wait()
	return append(halves[0], halves[1]...), errors.Join(errs[:]...)
}

func (p *Planner) plan(ctx context.Context, s plan.Input, signals problem.List, nodes *run.NodeCheck) (Plan, error) {
	fingerprint := plan.Fingerprint(s)
	shared, known := p.shared[fingerprint]
	if known && s.Server.Cluster == nil {
		return shared.in(s), nil
	}
	made := plan.Build(s)
	onNodes, err := nodes.Check(ctx, made) // schemas that are equal otherwise may be on other nodes
	if err != nil {
		return Plan{}, err
	}
	if known && len(onNodes) == 0 {
		return shared.in(s), nil
	}
	if made.Pending() {
		made.Refusals = slices.Concat(made.Refusals, run.MissingRights(made), signals, onNodes)
	}
	doc := describe(made, run.DescribeFillings(made, nil)) // no table is read: there may be thousands
	doc.Fingerprint = fingerprint
	p.migrator.limitNodes(&doc)
	if shareable(made, doc) {
		p.shared[fingerprint] = share(made, doc)
	}
	return doc, nil
}

// sharedPlan is what the plans of several schemas have in common.
type sharedPlan struct {
	doc   Plan     // without details of single tables
	fills []string // the tables whose rows are filled
}

// shareable reports whether a plan may be shared with schemas of the same fingerprint. Refused and skipped tables need
// texts of their own schema, and tables below others may be in any schema.
func shareable(p plan.Plan, doc Plan) bool {
	return len(doc.Refusals) == 0 && len(doc.Skipped) == 0 && !slices.ContainsFunc(p.Schema.Relations, catalog.Table.IsTree)
}

func share(p plan.Plan, doc Plan) sharedPlan {
	s := sharedPlan{doc: doc}
	s.doc.Groups, s.doc.Relations, s.doc.Notes, s.doc.Code = []Group{}, nil, []string{}, nil
	for _, g := range p.Targets() {
		if len(p.Fills(g)) > 0 {
			s.fills = append(s.fills, g.Table.Name)
		}
	}
	return s
}

// in returns the plan of a schema with the same fingerprint.
func (s sharedPlan) in(input plan.Input) Plan {
	doc := s.doc
	doc.Schema, doc.SameAs, doc.Rows = input.Schema.Name, s.doc.Schema, 0
	doc.Absent = slices.Clone(doc.Absent)
	for _, name := range s.fills {
		doc.Rows += plan.Rows(input.Schema.Relation(name))
	}
	return doc
}
