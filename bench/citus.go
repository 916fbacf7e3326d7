package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
)

// Citus contains the measurements on a cluster.
type Citus struct {
	Version    string      `json:"version"` // of the coordinator's PostgreSQL and of Citus
	Workers    int         `json:"workers"`
	MaxPerNode int         `json:"max_per_node"` // rekey's --max-per-node
	Runs       []CitusFill `json:"runs"`
	Reach      []Figure    `json:"reach"`
}

// CitusFill is one run of rekey on a distributed table. The memory, the connections and the lock are of the whole run; the other figures are of
// the filling alone.
type CitusFill struct {
	Name    string `json:"name"`
	Rows    int64  `json:"rows"`
	Shards  int    `json:"shards"`
	Workers int    `json:"workers"` // that have shards
	Pace    string `json:"pace"`

	Fill        Usage         `json:"fill"`
	Idle        Usage         `json:"idle"` // before the run
	Memory      int64         `json:"rekey_peak_bytes"`
	PerNode     int           `json:"peak_connections_per_node"` // the greatest number of rekey's connections to a worker
	Coordinator int           `json:"peak_connections_coordinator"`
	Connections int           `json:"peak_connections"` // to all nodes together
	Hold        time.Duration `json:"longest_access_exclusive_ns"`
	Error       string        `json:"error,omitempty"`
}

// The runs on a cluster.
const (
	citusName        = "citus"
	citusRowsName    = "citus-rows"
	citusShardsName  = "citus-shards"
	citusWorkersName = "citus-workers"
)

// citusVariable names the coordinator of the cluster.
const citusVariable = "REKEY_CITUS_URL"

// The tables of the runs.
const (
	usualShards = 8
	fewShards   = 32
	manyShards  = 1024
	tenfold     = 10
)

func citusNames() []string {
	return []string{citusName, citusRowsName, citusShardsName, citusWorkersName}
}

// citus runs what the options select on the cluster of REKEY_CITUS_URL. It returns nil without one.
func citus(ctx context.Context, o options, say func(string)) (*Citus, error) {
	if !o.wantsAny(citusName) {
		return nil, nil
	}
	base := os.Getenv(citusVariable)
	if base == "" {
		say("the runs on a Citus cluster are left out: " + citusVariable + " names no coordinator")
		return nil, nil
	}
	l, err := openCluster(ctx, o, base, say)
	if err != nil {
		return nil, fmt.Errorf("the cluster of %s: %w", citusVariable, err)
	}
	var failed error
	for _, run := range l.runs() {
		if ctx.Err() != nil {
			return l.found, errors.Join(failed, context.Cause(ctx))
		}
		if !o.wants(run.Name) && !o.wants(citusName) {
			continue
		}
		if err := l.run(ctx, &run); err != nil {
			run.Error = err.Error()
			failed = errors.Join(failed, fmt.Errorf("%s: %w", run.Name, err))
		}
		l.found.Runs = append(l.found.Runs, run)
		l.say(run.line())
	}
	l.found.Reach = l.found.reach()
	return l.found, failed
}

// runs returns all runs: ten times the rows, 32 times the shards, and one worker in place of all. The last is no more than a remark if
// the workers share a machine.
func (l *clusterLab) runs() []CitusFill {
	rows, all := l.options.rows, len(l.workers)
	return []CitusFill{
		{Name: citusRowsName, Rows: max(rows/tenfold, 1), Shards: usualShards, Workers: all},
		{Name: citusRowsName, Rows: rows, Shards: usualShards, Workers: all},
		{Name: citusShardsName, Rows: max(rows/tenfold, 1), Shards: fewShards, Workers: all},
		{Name: citusShardsName, Rows: max(rows/tenfold, 1), Shards: manyShards, Workers: all},
		{Name: citusWorkersName, Rows: rows, Shards: usualShards, Workers: 1},
		{Name: citusWorkersName, Rows: rows, Shards: usualShards, Workers: all},
	}
}

// run makes the table in a new database and runs rekey in a process of its own.
func (l *clusterLab) run(ctx context.Context, r *CitusFill) (err error) {
	r.Pace = l.options.pace
	l.say(fmt.Sprintf("building %d rows in %d shards", r.Rows, r.Shards))
	defer func() { err = errors.Join(err, l.drop(context.WithoutCancel(ctx))) }()
	if err := l.build(ctx, r); err != nil {
		return err
	}
	o := order{URL: l.onNode(l.coordinator, citusDatabase), To: rekey.Expanded, Pace: r.Pace, Ordered: true, Meter: l.meters(), MaxPerNode: l.options.maxPerNode}
	sockets := &sockets{}
	a, err := hireWatched(ctx, o, sockets.watch)
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	if err != nil {
		return err
	}
	r.Fill, r.Idle, r.Memory, r.Hold = a.Fill, a.Idle, a.Memory, a.Longest
	r.Connections, r.Coordinator, r.PerNode = sockets.all, sockets.most[l.coordinator.address()], 0
	for _, worker := range l.workers {
		r.PerNode = max(r.PerNode, sockets.most[worker.address()])
	}
	if a.Result < r.Rows {
		return fmt.Errorf("rekey filled %d of %d rows", a.Result, r.Rows)
	}
	return nil
}

func (r CitusFill) line() string {
	if r.Error != "" {
		return r.Name + " failed: " + r.Error
	}
	return fmt.Sprintf("%s, %d rows in %d shards on %d workers: filled in %s", r.Name, r.Rows, r.Shards, r.Workers, seconds(r.Fill.Wall))
}

func (c *Citus) headings() []string {
	return []string{
		"run", "rows", "shards", "workers", "filled in", "rows/s", "coordinator's CPU", "idle", "workers' CPU", "CPU s per million rows: coordinator", "workers",
		"coordinator's transactions", "per s", "updated rows", "coordinator's WAL MB", "rekey MB", "connections: worker", "coordinator", "all", "longest lock",
	}
}

func (r CitusFill) cells() []string {
	cells := []string{r.Name, fmt.Sprint(r.Rows), fmt.Sprint(r.Shards), fmt.Sprint(r.Workers)}
	if r.Error != "" {
		return append(cells, "failed: "+strings.ReplaceAll(r.Error, "\n", "; "))
	}
	f := r.Fill
	cells = append(cells, seconds(f.Wall), fmt.Sprintf("%.0f", float64(r.Rows)/f.Wall.Seconds()))
	if f.Coordinator == nil || f.Workers == nil {
		cells = append(cells, "not local", "", "", "", "")
	} else {
		cells = append(cells, f.share(*f.Coordinator), r.Idle.share(*r.Idle.Coordinator), f.share(*f.Workers),
			r.perMillion(*f.Coordinator), r.perMillion(*f.Workers))
	}
	return append(cells, fmt.Sprint(f.Transactions), fmt.Sprintf("%.1f", f.perSecond()), fmt.Sprint(f.Updated), fmt.Sprintf("%.1f", float64(f.WAL)/(1<<20)),
		megabytes(r.Memory), fmt.Sprint(r.PerNode), fmt.Sprint(r.Coordinator), fmt.Sprint(r.Connections), short(r.Hold))
}

func (r CitusFill) perMillion(cpu time.Duration) string {
	return fmt.Sprintf("%.2f", cpu.Seconds()/float64(r.Rows)*1e6)
}

// reach judges that neither rows nor shards cost what they should not.
func (c *Citus) reach() []Figure {
	few, many := c.pair(citusRowsName)
	less, more := c.pair(citusShardsName)
	limit, perNode := float64(c.MaxPerNode), 0
	for _, r := range c.Runs {
		perNode = max(perNode, r.PerNode)
	}
	return []Figure{
		quotient("coordinator's share of a core, ten times the rows", busy(many), busy(few), 1.25),
		quotient("coordinator's transactions per second, ten times the rows", many.Fill.perSecond(), few.Fill.perSecond(), 1.25),
		quotient(fmt.Sprintf("peak memory of rekey, %d shards against %d", manyShards, fewShards), float64(more.Memory), float64(less.Memory), 1.25),
		quotient(fmt.Sprintf("time of the filling, %d shards against %d", manyShards, fewShards), float64(more.Fill.Wall), float64(less.Fill.Wall), tenfold),
		judged("rekey's connections to a worker", bound(limit, ""), float64(perNode), "", float64(perNode) <= limit),
	}
}

// pair returns the two runs of a name; runs that failed or were not selected are zero.
func (c *Citus) pair(name string) (first, second CitusFill) {
	var found []CitusFill
	for _, r := range c.Runs {
		if r.Name == name && r.Error == "" {
			found = append(found, r)
		}
	}
	const two = 2
	if len(found) != two {
		return CitusFill{}, CitusFill{}
	}
	return found[0], found[1]
}

// busy returns the coordinator's share of a core during the filling, 0 if it is unknown.
func busy(r CitusFill) float64 {
	if r.Fill.Coordinator == nil || r.Fill.Wall == 0 {
		return 0
	}
	return float64(*r.Fill.Coordinator) / float64(r.Fill.Wall)
}
