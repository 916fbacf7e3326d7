package run

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/backfill/ordered"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/forecast"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/throttle"
)

// Outlook is what a run is expected to cost, and what may go wrong.
type Outlook struct {
	Forecast forecast.Forecast
	Risks    []forecast.Risk
}

// ForecastRequest says how a run is forecast.
type ForecastRequest struct {
	Calibrate bool  // measure the speed of the server
	Run       bool  // the run begins; it measures the speed if the tables are large
	DiskFree  int64 // bytes that are free on the server's disk; 0 if it was not given
	Speed     pace.Speed
	Signals   throttle.Limits // when the run pauses
}

// Forecast forecasts a plan. It reads sizes, statistics and settings, and with a calibration some pages.
func Forecast(ctx context.Context, pool *pgxpool.Pool, p plan.Plan, r ForecastRequest) (Outlook, error) {
	f := forecaster{plan: p, stats: map[uint32]*catalog.Stats{}}
	f.findTables()
	if len(f.tables) == 0 {
		return Outlook{}, nil
	}
	if err := pg.Read(ctx, pool, f.read(ctx)); err != nil {
		return Outlook{}, err
	}
	server := f.server()
	if r.Calibrate || r.Run && f.bytes() >= calibratedBytes {
		server.Speed = calibrate(ctx, pool, p.Server, f.tables)
		f.readFree(ctx, pool)
		f.readReplay(ctx, pool)
	}
	found := forecast.Of(server, f.described(), f.groups())
	return Outlook{Forecast: found, Risks: f.risks(r, server, found)}, nil
}

// forecast emits what the run is expected to cost and what may go wrong, and returns what measures it. A forecast that fails is left
// out: the run does not depend on it.
func (j Job) forecast(ctx context.Context, p plan.Plan) *meter {
	if p.Sharded() {
		return nil // only the coordinator could be measured
	}
	request := j.Forecast
	request.Run = true
	request.Signals, request.Speed = j.Limits.Signals, cmp.Or(j.Limits.Speed, pace.Normal)
	found, err := Forecast(ctx, j.Pool, p, request)
	if err != nil {
		return nil
	}
	m := newMeter(ctx, j.Pool, j.Emit, p, found.Forecast, request.Speed)
	if m == nil {
		return nil // the tables are too small for a risk
	}
	for _, r := range found.Risks {
		j.Emit.Emit(event.Notice{Text: r.String()})
	}
	return m
}

// forecaster gathers what a forecast is made from.
type forecaster struct {
	plan   plan.Plan
	tables []*catalog.Table // that have rows, of the groups with something to do
	stats  map[uint32]*catalog.Stats
	load   catalog.Load
}

// findTables finds the tables of the groups with something to do.
func (f *forecaster) findTables() {
	seen := map[uint32]bool{}
	for _, g := range f.plan.Groups {
		if work, _ := f.plan.Work(g); !work {
			continue
		}
		for _, one := range f.tablesOf(g) {
			if !seen[one.OID] {
				seen[one.OID] = true
				f.tables = append(f.tables, one)
			}
		}
	}
}

func (f *forecaster) tablesOf(g plan.Group) []*catalog.Table {
	root := f.plan.Schema.Named(g.Table)
	if root == nil || g.Target.Table == "" && g.Key == nil {
		return nil
	}
	return slices.DeleteFunc(root.All(), func(t *catalog.Table) bool { return t.Kind != catalog.Ordinary })
}

func (f *forecaster) read(ctx context.Context) func(pg.Tx) error {
	return func(tx pg.Tx) error {
		oids := make([]uint32, len(f.tables))
		for i, t := range f.tables {
			oids[i] = t.OID
		}
		var err error
		if f.stats, err = inspect.Stats(ctx, tx, oids); err != nil {
			return err
		}
		var spaces []uint32
		for _, s := range f.stats {
			if !slices.Contains(spaces, s.Tablespace) {
				spaces = append(spaces, s.Tablespace)
			}
		}
		f.load, err = inspect.Load(ctx, tx, spaces)
		return err
	}
}

// readFree reads the free space of the largest tables with pgstattuple, where it is installed. The statistics know only averages of
// rows, and nothing of the space that deleted rows have left.
func (f *forecaster) readFree(ctx context.Context, pool *pgxpool.Pool) {
	const most, largest = 4, 1 << 30 // tables, and bytes of each
	ctx, cancel := context.WithTimeout(ctx, calibrationTime)
	defer cancel()
	var function sqltext.Table
	err := pg.Read(ctx, pool, func(tx pg.Tx) (err error) {
		function, err = inspect.FreeSpaceFunction(ctx, tx, f.plan.Server)
		return err
	})
	if err != nil || function.Name == "" {
		return
	}
	tables := slices.Clone(f.tables)
	slices.SortStableFunc(tables, func(a, b *catalog.Table) int { return cmp.Compare(b.Pages, a.Pages) })
	for _, t := range tables[:min(most, len(tables))] {
		if t.Bytes > largest || t.Pages <= largeTablePages || !t.Owned {
			continue
		}
		if share, ok := inspect.FreeSpace(ctx, pool, function, t.OID); ok {
			f.stats[t.OID].Free = share
		}
	}
}

// readReplay measures how fast the followers replay that have something to replay.
func (f *forecaster) readReplay(ctx context.Context, pool *pgxpool.Pool) {
	const backlog, pause = 16 << 20, 500 * time.Millisecond
	if !slices.ContainsFunc(f.load.Followers, func(one catalog.Follower) bool { return !one.Hidden && one.Behind >= backlog }) {
		return
	}
	read := func() (found []catalog.Follower, at time.Time) {
		_ = pg.Read(ctx, pool, func(tx pg.Tx) (err error) {
			found, err = inspect.Followers(ctx, tx)
			return err
		})
		return found, time.Now()
	}
	before, start := read()
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
	after, end := read()
	f.load.Followers = forecast.Replaying(f.load.Followers, before, after, end.Sub(start), backlog)
}

// calibratedBytes is the size from which a run measures the speed of the server, as its forecast is compared with the actual cost.
const calibratedBytes = 64 << 20

// bytes returns the size of the tables.
func (f *forecaster) bytes() (all int64) {
	for _, s := range f.stats {
		all += s.Table
	}
	return all
}

func (f *forecaster) described() []forecast.Table {
	all := make([]forecast.Table, len(f.tables))
	for i, t := range f.tables {
		all[i] = forecast.Describe(*t, *f.stats[t.OID], f.plan.Column)
	}
	return all
}

func (f *forecaster) server() forecast.Server {
	return forecast.ServerOf(f.plan.Server.Major(), f.load)
}

// risks returns what may make the run slow, end it, or fill the disk.
func (f *forecaster) risks(r ForecastRequest, server forecast.Server, found forecast.Forecast) []forecast.Risk {
	c := forecast.Circumstances{
		Forecast: found, Server: server, Load: f.load, Pace: cmp.Or(r.Speed, pace.Normal), DiskFree: r.DiskFree,
		MaxLag: cmp.Or(r.Signals.MaxLag, throttle.DefaultMaxLag), MaxRetained: cmp.Or(r.Signals.MaxRetainedWAL, throttle.DefaultMaxRetainedWAL),
	}
	if c.DiskFree == 0 {
		c.DiskFree, c.Place = freeSpace(f.load)
	}
	for _, t := range f.tables {
		c.Tables = append(c.Tables, forecast.Watched{Name: t.Named(), Pages: t.Pages, Stats: *f.stats[t.OID]})
	}
	return c.Risks()
}

// groups returns what each group with something to do does to its tables.
func (f *forecaster) groups() []forecast.Group {
	var all []forecast.Group
	for _, g := range f.plan.Groups {
		if work, _ := f.plan.Work(g); !work || len(f.tablesOf(g)) == 0 {
			continue
		}
		gathered := &gatherer{forecaster: f, group: g}
		view := f.plan.View(g)
		for _, s := range g.Steps {
			for _, a := range step.MergeChanges(f.plan.Actions(s, view)) {
				_ = a.Do(gathered) // it only writes down what it is given
			}
		}
		all = append(all, forecast.Group{Name: g.String(), Work: gathered.list})
	}
	return all
}

// gatherer writes down what the actions of a group do to its tables. It implements [step.Performer].
type gatherer struct {
	*forecaster

	group plan.Group
	list  []forecast.Work
}

// on returns the work on a table. The builds of an index come after the filling.
func (g *gatherer) on(name sqltext.Table) *forecast.Work {
	key := name.Schema + "." + name.Name
	for i := range g.list {
		if g.list[i].Table == key {
			return &g.list[i]
		}
	}
	g.list = append(g.list, forecast.Work{Table: key})
	return &g.list[len(g.list)-1]
}

// Change implements [step.Performer].
func (g *gatherer) Change(a step.Change) error {
	if len(a.Locks) > 0 {
		g.on(a.Locks[0].Table).Locked++
	}
	for _, t := range a.Tables() {
		g.drop(t, a.Dropped)
	}
	return nil
}

// Concurrently implements [step.Performer].
func (g *gatherer) Concurrently(a step.Concurrently) error {
	w := g.on(a.Table)
	w.Locked++
	if !a.Build {
		g.drop(a.Table, []string{a.Index})
		return nil
	}
	table := g.tableNamed(a.Table)
	if table == nil {
		return nil
	}
	columns, rows := []string{a.Column}, table.Rows
	if like := g.twinOf(a.Index); like != "" {
		if i := table.Index(like); i != nil {
			columns = i.Columns
		}
	}
	w.Builds = append(w.Builds, forecast.Build{Rows: max(rows, 0), Entry: forecast.UUIDEntry(*table, *g.stats[table.OID], columns)})
	return nil
}

// Validate implements [step.Performer].
func (g *gatherer) Validate(a step.Validate) error {
	g.on(a.Table).Scans++
	return nil
}

// Fill implements [step.Performer].
func (g *gatherer) Fill(a step.Fill) error {
	table := g.tableNamed(a.Target.Name())
	if table == nil {
		return nil
	}
	w := g.on(a.Target.Name())
	choice, writer := g.choose(a, table)
	w.Fill = &forecast.Fill{
		Rows: forecast.Unfilled(*table, *g.stats[table.OID], a.Target.Column), Bounds: choice.Bounds(), Region: float64(choice.Region),
		Vacuum: choice.Vacuum, Writer: writer, Moves: choice.Moves,
	}
	if choice.By == ordered.ByTime {
		w.Fill.Region /= max(choice.RowsPerPage, 1) // rows
	}
	return nil
}

// choose returns how the backfill fills a table.
func (g *gatherer) choose(a step.Fill, table *catalog.Table) (backfill.Choice, forecast.Writer) {
	if a.Edge != nil {
		return backfill.Explain(g.plan.Server, *table, a.Target.Column), forecast.ByJoin
	}
	if order := g.plan.OrderOf(g.group, a.Target, table); order.Source == plan.ByColumn {
		return ordered.Explain(g.plan.Server, *table, a.Target.Column, order.Column), forecast.InOrder
	}
	return backfill.Explain(g.plan.Server, *table, a.Target.Column), forecast.ByClock
}

// drop adds the sizes of the indexes of a table with some of the names.
func (g *gatherer) drop(name sqltext.Table, indexes []string) {
	table := g.tableNamed(name)
	if table == nil {
		return
	}
	for _, index := range indexes {
		i := table.Index(index)
		if i == nil {
			continue
		}
		for _, size := range g.stats[table.OID].Indexes {
			if size.Index == i.OID {
				g.on(name).Drops += size.Bytes
			}
		}
	}
}

// twinOf returns the index that the named one becomes a copy of, "" if it is none.
func (g *gatherer) twinOf(name string) string {
	if g.group.Edge == nil {
		return ""
	}
	for _, t := range g.group.Edge.Twins {
		if t.Name == name {
			return t.Of
		}
	}
	return ""
}

// tableNamed returns a table whose sizes were read; nil for another one.
func (f *forecaster) tableNamed(name sqltext.Table) *catalog.Table {
	for _, t := range f.tables {
		if t.Schema == name.Schema && t.Name == name.Name {
			return t
		}
	}
	return nil
}
