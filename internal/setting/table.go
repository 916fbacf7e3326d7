// Package setting defines the limits and defaults of all settings and checks a call's settings before it connects. The
// command line and the library use the same checks, each with its own names of the settings.
package setting

import (
	"cmp"
	"math"
	"strconv"
	"time"

	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/throttle"
)

// Style is how a message names a setting.
type Style int

// The styles.
const (
	Flags  Style = iota // --lock-timeout
	Fields              // Locks.Timeout
)

// bound is the limits and the default of a number or a duration.
type bound struct {
	flag, field, code     string
	least, most, fallback int64
	unit                  unit
	why, signal           string // why is shown with the range; signal is the signal that the setting belongs to
}

type unit int

const (
	nanoseconds unit = iota
	size
	number
	ratio // in thousandths; NoLimit is off
)

// NoLimit is the number of a ratio that is off.
const NoLimit = -1

const (
	ms = int64(time.Millisecond)
	s  = int64(time.Second)
	// maxWait is long enough to mean "without limit" and short enough to be added to a time.
	maxWait = 30 * 24 * int64(time.Hour)
)

// bounds returns the limits of all settings.
func bounds() []bound {
	return []bound{
		{"lock-timeout", "Locks.Timeout", "bad_lock_timeout", ms, s, 50 * ms, nanoseconds, "Other statements may queue behind the lock for as long.", ""},
		{"lock-retry-timeout", "Locks.RetryTimeout", "bad_lock_retry_timeout", ms, maxWait, int64(40 * time.Minute), nanoseconds, "", ""},
		{"batch-time", "Backfill.BatchTime", "bad_batch_time", ms, 10 * s, int64(pace.DefaultBatchTime), nanoseconds, "", ""},
		{"max-impact", "Backfill.MaxImpact", "bad_max_impact", 1050, 100_000, 1500, ratio, "", ""},
		{"soak", "Options.Soak", "bad_soak", 0, maxWait, int64(24 * time.Hour), nanoseconds, "", ""},
		{"max-lag", "Throttle.MaxLag", "bad_max_lag", ms, maxWait, int64(throttle.DefaultMaxLag), nanoseconds, "", "lag"},
		{"max-snapshot-age", "Throttle.MaxSnapshotAge", "bad_snapshot_age", 0, maxWait, 0, nanoseconds, "0 disables the limit.", ""},
		{"max-retained-wal", "Throttle.MaxRetainedWAL", "bad_retained_wal", 1, math.MaxInt64, throttle.DefaultMaxRetainedWAL, size, "", "wal"},
		{"disk-free", "Forecast.DiskFree", "bad_disk_free", 0, math.MaxInt64, 0, size, "", ""},
		{"parallel", "Fleet.Parallel", "bad_parallel", 1, 32, 1, number, "Each schema uses up to four connections.", ""},
		{"max-per-node", "Cluster.MaxPerNode", "bad_max_per_node", cluster.MinPerNode, math.MaxInt32, cluster.DefaultMaxPerNode, number, "It is a number of connections to each node.", ""},
		{"canary", "Fleet.Canary", "bad_canary", 0, math.MaxInt32, 0, number, "It is a number of schemas.", ""},
		{"max-failures", "Fleet.MaxFailures", "bad_max_failures", 0, math.MaxInt32, 0, number, "It is a number of schemas.", ""},
		{"first", "ScriptOptions.First", "bad_first", 1, 99_991_231_235_959, 1, number, "It is the number of the first file.", ""},
	}
}

func boundOf(flag string) (bound, bool) {
	for _, b := range bounds() {
		if b.flag == flag {
			return b, true
		}
	}
	return bound{}, false
}

func mustBound(flag string) bound {
	b, ok := boundOf(flag)
	if !ok {
		panic("setting: there is no number --" + flag)
	}
	return b
}

// Default returns the default of a duration.
func Default(flag string) time.Duration { return time.Duration(mustBound(flag).fallback) }

// DefaultNumber returns the default of a number.
func DefaultNumber(flag string) int64 { return mustBound(flag).fallback }

// Or returns the value, or the default if it is zero.
func Or(flag string, value time.Duration) time.Duration { return cmp.Or(value, Default(flag)) }

// Max returns the largest allowed number.
func Max(flag string) int64 { return mustBound(flag).most }

// Range returns the limits of a setting as text: "1ms to 1s".
func Range(flag string) string { return mustBound(flag).rangeText() }

// Format returns a number as a user writes it: 50ms, 10GB, 4.
func Format(flag string, n int64) string {
	b := mustBound(flag)
	if b.unit != size {
		return b.format(n)
	}
	units, at := []string{"B", "kB", "MB", "GB", "TB"}, 0
	for n != 0 && n%1024 == 0 && at < len(units)-1 {
		n, at = n/1024, at+1
	}
	return strconv.FormatInt(n, 10) + units[at]
}

func (b bound) rangeText() string {
	if b.unit == ratio {
		return b.format(b.least) + " to " + b.format(b.most) + " or off"
	}
	if b.most == math.MaxInt64 || b.most == math.MaxInt32 {
		return b.format(b.least) + " or more"
	}
	return b.format(b.least) + " to " + b.format(b.most)
}

func (b bound) format(n int64) string {
	switch b.unit {
	case nanoseconds:
		return message.Duration(time.Duration(n))
	case size:
		return message.Counted(n, "byte", "bytes")
	case ratio:
		if n == NoLimit {
			return "off"
		}
		return strconv.FormatFloat(float64(n)/thousandths, 'f', -1, 64)
	default:
		return strconv.FormatInt(n, 10)
	}
}

// texts returns the library's names of the settings that are not numbers, by flag.
func texts() map[string]string {
	return map[string]string{
		"profile": "Profile", "prefix": "Profile.In", "version": "Version", "schema": "Schema.Name", "tables": "Schema.Tables", "exclude": "Schema.Exclude",
		"column": "Schema.Column", "index-name": "Schema.IndexName", "overrides": "Options.Tables", "skip-refused": "Schema.SkipRefused", "down": "Direction", "pace": "Backfill.Pace",
		"throttle-query": "Throttle.Query", "throttle-file": "Throttle.File", "without-signal": "Throttle.Without", "trust-owner": "Permissions.TrustOwners", "time-source": "Values.Source",
		"time-column": "Options.Tables", "time-zone": "Values.TimeZone", "random": "Options.Tables", "on-error": "OnError", "format": "ScriptOptions.Format",
		"to": "Options.To", "arbiter": "Options.Arbiter", "accept": "Options.Accept", "confirm": "Options.Confirm", "parents": "Schema.Parents", "reference": "Schema.References",
		"config": "config", "targets": "targets", "group": "group", "output": "output", "module": "ScriptOptions.Module", "node-url": "Cluster.Nodes",
	}
}

// IsNumber reports whether a setting is a number or a duration.
func IsNumber(flag string) bool {
	_, ok := boundOf(flag)
	return ok
}

// IsText reports whether a setting is a text, a list of them or an option.
func IsText(flag string) bool { return texts()[flag] != "" }

const thousandths = 1000

// Ratio converts a ratio to a number of a [Request], and 0 to 0. A number below 0 stays below 0.
func Ratio(value float64) int64 {
	switch {
	case math.IsNaN(value):
		return math.MinInt64
	case math.Abs(value) > math.MaxInt32:
		return int64(math.Copysign(math.MaxInt64/2, value)) //nolint:mnd // out of every range
	case value == NoLimit:
		return NoLimit
	default:
		return int64(math.Round(value * thousandths))
	}
}

// name returns a setting's name in a style.
func (n Style) name(flag string) string {
	if n == Flags {
		return "--" + flag
	}
	if b, ok := boundOf(flag); ok {
		return b.field
	}
	return texts()[flag]
}

// with returns a setting with a value, for a hint.
func (n Style) with(flag, value string) string {
	if n == Flags {
		return "--" + flag + " " + value
	}
	return n.name(flag) + ": " + value
}
