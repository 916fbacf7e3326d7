package page

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rekey-pg/rekey/internal/history"
)

// metrics returns the handler of /metrics, with a registry of its own.
func (s *Server) metrics() http.Handler {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector{s.board})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: writeTimeout})
}

// collector reads the metrics of a board when it is scraped.
type collector struct{ board *Board }

// Describe sends the descriptions of all metrics.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range metricsOf(shown{}) {
		out <- m.desc
	}
}

// Collect sends the metrics that have a value now.
func (c collector) Collect(out chan<- prometheus.Metric) {
	now, _ := c.board.now()
	for _, m := range metricsOf(now) {
		if !m.missing {
			out <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value, m.labels...)
		}
	}
}

// metric is a value to scrape. missing is true if nothing has measured it.
type metric struct {
	desc    *prometheus.Desc
	kind    prometheus.ValueType
	value   float64
	labels  []string
	missing bool
}

func gauge(name, help string, value float64, has bool) metric {
	return metric{desc: prometheus.NewDesc("rekey_"+name, help, nil, nil), kind: prometheus.GaugeValue, value: value, missing: !has}
}

func counter(name, help string, value float64, has bool) metric {
	return metric{desc: prometheus.NewDesc("rekey_"+name, help, nil, nil), kind: prometheus.CounterValue, value: value, missing: !has}
}

// metricsOf returns all metrics of what a board shows.
func metricsOf(b shown) []metric {
	s := b.state
	run := s.Run != 0
	all := []metric{
		gauge("run_active", "1 while a run works or pauses, 0 before and after it, and after its process was killed.", flag(b.working()), true),
		gauge("run_stale", "1 while the database does not answer, and after the process of the run was killed, so that the other values may be out of date.", flag(b.trouble != ""), true),
		gauge("run_start_timestamp_seconds", "When the run began.", unix(s.Started), run),
		gauge("run_paused", "1 while the run pauses.", flag(s.Paused && s.Result == nil), run),
		gauge("run_slowed", "1 while the run is slower for a reason, without a pause.", flag(s.Reason != "" && !s.Paused && s.Result == nil), run),
		counter("rows_filled_total", "Rows that the run has filled.", float64(s.Done()), run),
		gauge("rows_planned", "Rows that the run fills, estimated.", float64(s.Total()), run),
		gauge("rows_per_second", "Rows that are filled per second now.", rate(s), run),
		counter("locks_taken_total", "ACCESS EXCLUSIVE locks that the run has taken and released.", float64(s.ExclusiveLocks().Count), run),
		counter("lock_attempts_total", "Attempts that these locks took.", float64(locks(s).Attempts), run),
		gauge("lock_waiting_seconds", "For how long the run has waited for a lock or for other transactions now, 0 if it does not.", waiting(s).Seconds(), run),
		gauge("lock_wait_max_seconds", "The longest time that an attempt waited for its lock.", locks(s).Wait/1000, run),
		gauge("lock_hold_max_seconds", "The longest time that a lock was held.", locks(s).Hold/1000, run),
	}
	all = append(all, reasonMetrics(s)...)
	all = append(all, tableMetrics(s)...)
	all = append(all, rowMetrics(s)...)
	all = append(all, impactMetrics(s)...)
	return append(all, info(s))
}

// waiting returns for how long the run has waited at its last event.
func waiting(s history.State) (longest time.Duration) {
	for _, t := range s.Work {
		if t.WaitsForLock && s.Result == nil {
			longest = max(longest, s.Updated.Sub(t.WaitsSince))
		}
	}
	return longest
}

// reasons are the values of the label reason. A kind of a newer rekey is "other".
func reasons() []string {
	return []string{"file", "impact", "lag", "query", "request", "snapshots", "standby", "wal", "wraparound", "other"}
}

// reasonMetrics returns a metric for each kind of reason to pause or to slow down.
func reasonMetrics(s history.State) (all []metric) {
	desc := prometheus.NewDesc("rekey_run_throttled", "1 while the run pauses or is slower for a reason of this kind.", []string{"reason"}, nil)
	now := s.Signal
	if !slices.Contains(reasons(), now) {
		now = "other"
	}
	for _, one := range reasons() {
		is := s.Reason != "" && s.Result == nil && one == now
		all = append(all, metric{desc: desc, kind: prometheus.GaugeValue, value: flag(is), labels: []string{one}, missing: s.Run == 0})
	}
	return all
}

// rowMetrics returns the rows of each active table, and of the finished ones that the page lists. Without a table it returns
// metrics without a value, which describe them.
func rowMetrics(s history.State) (all []metric) {
	filled := prometheus.NewDesc("rekey_table_rows_filled_total", "Rows that the run has filled in a table.", []string{"table"}, nil)
	planned := prometheus.NewDesc("rekey_table_rows_planned", "Rows that the run fills in a table, estimated.", []string{"table"}, nil)
	add := func(name string, done, total int64, missing bool) {
		labels := []string{strings.ToValidUTF8(name, "?")}
		all = append(all, metric{desc: filled, kind: prometheus.CounterValue, value: float64(done), labels: labels, missing: missing},
			metric{desc: planned, kind: prometheus.GaugeValue, value: float64(total), labels: labels, missing: missing})
	}
	if s.Run == 0 {
		add("", 0, 0, true)
	}
	tables := append(slices.Clone(s.Finished[max(0, len(s.Finished)-maxFinished):]), s.Work...)
	last := map[string]int{} // a table may have several turns, such as its reference and its key
	for i, t := range tables {
		last[t.Name] = i
	}
	for i, t := range tables {
		if last[t.Name] == i {
			add(t.Name, t.Done, t.Total, false)
		}
	}
	return all
}

func tableMetrics(s history.State) []metric {
	desc := prometheus.NewDesc("rekey_tables", "Tables, references and primary keys of the run, by state: pending, active or finished.", []string{"state"}, nil)
	one := func(state string, n int) metric {
		return metric{desc: desc, kind: prometheus.GaugeValue, value: float64(n), labels: []string{state}, missing: s.Run == 0}
	}
	return []metric{
		one("pending", max(0, s.Parts()-len(s.Work)-len(s.Finished))), one("active", len(s.Work)), one("finished", len(s.Finished)),
	}
}

func impactMetrics(s history.State) []metric {
	v := viewOf(shown{state: s}, s.Updated)
	impact, load := impactView{}, loadView{}
	if v.Impact != nil {
		impact = *v.Impact
	}
	if v.Load != nil {
		load = *v.Load
	}
	hasImpact, hasLoad := v.Impact != nil, v.Load != nil
	return []metric{
		gauge("impact_ratio", "How many times as long as at rest commits or reads take.", impact.Ratio, hasImpact),
		gauge("impact_limit_ratio", "The ratio that the run keeps to.", impact.Limit, impact.Limit > 0),
		gauge("commit_p95_seconds", "95th percentile of the probe's recent commits.", impact.Commit/1000, hasImpact),
		gauge("commit_idle_p95_seconds", "95th percentile of the probe's commits while the run rests.", impact.CommitIdle/1000, hasImpact),
		gauge("read_p95_seconds", "95th percentile of the probe's recent reads.", impact.Read/1000, impact.Read > 0),
		gauge("read_idle_p95_seconds", "95th percentile of the probe's reads while the run rests.", impact.ReadIdle/1000, impact.ReadIdle > 0),
		gauge("workers", "Workers that fill the table.", float64(impact.Workers), hasImpact),
		gauge("duty_ratio", "The share of the time in which a worker works.", impact.Duty, hasImpact),
		gauge("batch_target_seconds", "The target duration of a batch.", impact.BatchTime/1000, hasImpact),
		gauge("batch_seconds", "Median duration of the recent batches.", load.Batch/1000, load.Batch > 0),
		gauge("wal_bytes_per_second", "Bytes of WAL per second that all sessions write.", load.WAL, hasLoad),
		gauge("replication_lag_seconds", "How far the slowest standby or subscriber is behind.", load.Lag/1000, hasLoad),
		gauge("waiting_sessions", "Sessions of the database that wait for a lock.", float64(load.Waiting), hasLoad),
	}
}

// info returns the metric with the names of the run.
func info(s history.State) metric {
	m := metric{
		desc: prometheus.NewDesc("rekey_run_info", "The run in the other metrics. The value is always 1.", []string{"run", "command", "schema", "phase", "program", "server"}, nil),
		kind: prometheus.GaugeValue, value: 1, missing: s.Run == 0,
	}
	m.labels = []string{strconv.FormatInt(s.Run, 10), s.Command, s.Schema, "", "", ""}
	if e := s.Environment; e != nil {
		m.labels[3], m.labels[4], m.labels[5] = e.Phase, e.Program, e.Server
	}
	return m
}

// rate returns the rows per second, none after the end.
func rate(s history.State) float64 {
	if s.Result != nil || s.Paused {
		return 0
	}
	return s.Rate()
}

func flag(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
