package forecast

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// RiskName is the name of a risk.
type RiskName string

// The risks.
const (
	Disk            RiskName = "disk"
	Slots           RiskName = "slots"
	Archive         RiskName = "archive"
	Standby         RiskName = "standby"
	LongTransaction RiskName = "long-transaction"
	MinWALSize      RiskName = "min-wal-size"
	MaxWALSize      RiskName = "max-wal-size"
	Autovacuum      RiskName = "autovacuum"
	Connections     RiskName = "connections"
	Statistics      RiskName = "statistics"
)

// Names returns the names of all risks.
func Names() []RiskName {
	return []RiskName{Disk, Slots, Archive, Standby, LongTransaction, MinWALSize, MaxWALSize, Autovacuum, Connections, Statistics}
}

// Risk is a reason why a run may be slow, stop, or fill the disk. It refuses nothing.
type Risk struct {
	Name    RiskName
	Message string // one line, lower case, without a period
	Detail  string // sentences
	Hint    string // sentences; what to do
}

// String returns the risk in one line, without the detail.
func (r Risk) String() string {
	line := "risk " + string(r.Name) + ": " + r.Message
	if r.Hint != "" {
		line += ". " + r.Hint
	}
	return line
}

// Circumstances are what risks are found in.
type Circumstances struct {
	Forecast Forecast
	Server   Server
	Load     catalog.Load
	Pace     pace.Speed
	DiskFree int64  // bytes; 0 if it is unknown
	Place    string // the directory that was measured; "" if the operator has said it
	Tables   []Watched
	// MaxLag is how far a standby may lag before the run pauses, MaxRetained how many bytes of WAL a slot may retain.
	MaxLag      time.Duration
	MaxRetained int64
}

// Watched is a table of the run with its statistics.
type Watched struct {
	Name  sqltext.Table
	Pages int64
	Stats catalog.Stats
}

// Risks returns the risks of a run, the gravest first.
func (c Circumstances) Risks() []Risk {
	var found []Risk
	for _, find := range []func() []Risk{
		c.disk, c.slots, c.archive, c.standbys, c.transactions, c.minWAL, c.maxWAL, c.vacuums, c.connections, c.statistics,
	} {
		found = append(found, find()...)
	}
	return found
}

// unknownDisk is the need from which an unknown disk is a risk.
const unknownDisk = 1 << 30

func (c Circumstances) disk() []Risk {
	need := c.Forecast.All.Peak
	parts := fmt.Sprintf("Tables and indexes grow by %s, the temporary files of the largest index build take %s, and the WAL that is kept %s.",
		size(max(c.Forecast.All.After()-c.Forecast.All.Before(), 0)), size(c.Forecast.All.Sort), size(c.Server.keeps(c.Forecast.All.WAL)))
	const spare = 0.8 // of the free space
	switch {
	case c.DiskFree == 0 && need >= unknownDisk:
		return []Risk{{
			Disk, fmt.Sprintf("the run needs up to %s more on the disk, and how much is free is unknown", size(need)), parts,
			"Look on the server with df, and name the free space: --disk-free 100GB",
		}}
	case c.DiskFree == 0 || float64(need) <= spare*float64(c.DiskFree):
		return nil
	}
	where := "free"
	if c.Place != "" {
		where = "free in " + c.Place
	}
	return []Risk{{
		Disk, fmt.Sprintf("the run needs up to %s more on the disk, and %s are %s", size(need), size(c.DiskFree), where), parts,
		"Make space, or run on fewer tables at a time: --tables",
	}}
}

func (c Circumstances) slots() (found []Risk) {
	wal := c.Forecast.All.WAL
	for _, s := range c.Load.Slots {
		drop := "SELECT pg_drop_replication_slot(" + sqltext.Format("{}", sqltext.Value(s.Name)) + ")"
		switch {
		case s.Status == "lost":
			continue
		case s.Spare >= 0 && wal > s.Spare:
			found = append(found, Risk{
				Slots, fmt.Sprintf("replication slot %s loses WAL that it needs after %s more, and the run writes %s", s.Name, size(s.Spare), size(wal)),
				"max_slot_wal_keep_size limits what it keeps. Its standby or subscriber must be built again then, unless it keeps up.",
				"Let its reader catch up first, or raise max_slot_wal_keep_size.",
			})
		case !s.Active:
			found = append(found, Risk{
				Slots, fmt.Sprintf("nothing reads replication slot %s, so that the server keeps all WAL: %s now, %s more by the run", s.Name, size(s.Retained), size(wal)),
				fmt.Sprintf("The run pauses when it retains more than %s (--max-retained-wal).", size(c.MaxRetained)),
				"Start its reader, or if there is none any more: " + drop,
			})
		case c.MaxRetained > 0 && s.Retained > c.MaxRetained/2:
			found = append(found, Risk{
				Slots, fmt.Sprintf("replication slot %s retains %s of WAL; the run pauses above %s", s.Name, size(s.Retained), size(c.MaxRetained)), "",
				"Let its reader catch up first.",
			})
		}
	}
	return found
}

func (c Circumstances) archive() []Risk {
	if !c.Load.ArchiveFails {
		return nil
	}
	return []Risk{{
		Archive, fmt.Sprintf("the archiving of WAL fails, so that the server keeps all WAL: %s more by the run", size(c.Forecast.All.WAL)),
		"The last attempt of archive_command or archive_library failed (pg_stat_archiver).", "Repair it first; the server's log has its error: SELECT last_failed_wal, last_failed_time FROM pg_stat_archiver",
	}}
}

func (c Circumstances) standbys() (found []Risk) {
	took := c.Forecast.All.Times[c.Pace].Seconds()
	for _, f := range c.Load.Followers {
		rate := float64(c.Forecast.All.WAL) / max(took, 1)
		switch {
		case f.Hidden:
		case c.MaxLag > 0 && f.Lag > c.MaxLag/2:
			found = append(found, Risk{
				Standby, fmt.Sprintf("standby %s is %s behind now; the run pauses above %s", f.Name, inWords(f.Lag), inWords(c.MaxLag)), "",
				"Wait until it has caught up.",
			})
		case f.Replays > 0 && f.Replays < rate:
			found = append(found, Risk{
				Standby, fmt.Sprintf("standby %s replays %s a second, and the run writes %s a second", f.Name, size(int64(f.Replays)), size(int64(rate))),
				fmt.Sprintf("The run pauses whenever it is more than %s behind (--max-lag).", inWords(c.MaxLag)), "Use a slower pace: --pace gentle",
			})
		}
	}
	return found
}

func (c Circumstances) transactions() (found []Risk) {
	for _, t := range c.Load.Transactions {
		if t.Prepared != "" {
			found = append(found, Risk{
				LongTransaction, fmt.Sprintf("a prepared transaction keeps dead rows for %s", inWords(t.Age)), deadRows, "See pg_prepared_xacts; commit it or roll it back.",
			})
			continue
		}
		who := []string{fmt.Sprintf("pid %d", t.PID)}
		for _, word := range []string{t.Application, t.State} {
			if word != "" {
				who = append(who, word)
			}
		}
		found = append(found, Risk{
			LongTransaction, fmt.Sprintf("a transaction is open for %s (%s)", inWords(t.Age), strings.Join(who, ", ")), deadRows,
			fmt.Sprintf("Wait for its end, or end it: SELECT pg_terminate_backend(%d)", t.PID),
		})
	}
	return found
}

const deadRows = "While it is open no dead row can be removed, so that rows move to other pages instead of staying in place, and an index build waits for its end."

// segments is the growth of the WAL directory from which new segments are a risk.
const segments = 256 << 20

func (c Circumstances) minWAL() []Risk {
	need := int64(min(float64(c.Forecast.All.WAL), c.Server.interval()))
	have := max(c.Load.MinWAL, c.Load.WALDirectory)
	if need-have < segments {
		return nil
	}
	return []Risk{{
		MinWALSize, fmt.Sprintf("the run writes up to %s of WAL between two checkpoints, and min_wal_size keeps %s", size(need), size(c.Load.MinWAL)),
		"PostgreSQL fills each new segment with zeros and flushes it while every COMMIT of the application waits; a segment that is used again costs nothing.",
		fmt.Sprintf("Some time before the run: ALTER SYSTEM SET min_wal_size = '%s'; SELECT pg_reload_conf()", setting(min(2*need, c.Load.MaxWAL))),
	}}
}

func (c Circumstances) maxWAL() []Risk {
	by := float64(c.Forecast.All.WAL) / c.Server.interval()
	const most = 2
	if by < most {
		return nil
	}
	want := int64(float64(c.Forecast.All.WAL) * (1 + c.Server.Completion))
	return []Risk{{
		MaxWALSize, fmt.Sprintf("the WAL of the run causes about %.0f checkpoints", math.Ceil(by)),
		"After each, every page that is changed is written to the WAL in full once more, and the disk has to take the changed pages.",
		fmt.Sprintf("If the disk has room for it: ALTER SYSTEM SET max_wal_size = '%s'; SELECT pg_reload_conf()", setting(want)),
	}}
}

func (c Circumstances) vacuums() (found []Risk) {
	const near = 0.9
	for _, t := range c.Tables {
		name := t.Name.Schema + "." + t.Name.Name
		old, limit := t.Stats.FrozenAge, c.Load.FreezeAge
		if float64(t.Stats.MultiAge)*float64(limit) > float64(old)*float64(c.Load.MultiFreezeAge) {
			old, limit = t.Stats.MultiAge, c.Load.MultiFreezeAge
		}
		switch {
		case t.Stats.Vacuuming:
			found = append(found, Risk{
				Autovacuum, "a VACUUM of " + name + " is running", "Changes of the table wait for it, or cancel it if it is an ordinary autovacuum.", "Wait for its end.",
			})
		case limit > 0 && float64(old) > near*float64(limit):
			found = append(found, Risk{
				Autovacuum, fmt.Sprintf("an autovacuum of %s against wraparound is near: its age is %.0f million of %.0f", name, float64(old)/million, float64(limit)/million),
				"It does not yield to other sessions, so that the run pauses until it is done.", "Before the run: " + sqltext.Format("VACUUM (FREEZE) {}", t.Name),
			})
		}
	}
	return found
}

const million = 1e6

// usedConnections is how many connections a run uses at most: two workers, the changes, the throttle, the heartbeat, the probe,
// the flusher.
const usedConnections = 7

func (c Circumstances) connections() []Risk {
	left, of := c.Load.Free, "the server (max_connections)"
	if c.Load.RoleFree >= 0 && c.Load.RoleFree < left {
		left, of = c.Load.RoleFree, "the role (CONNECTION LIMIT)"
	}
	if left >= 2*usedConnections {
		return nil
	}
	return []Risk{{
		Connections, fmt.Sprintf("%d connections of %s are left, and the run uses up to %d", max(left, 0), of, usedConnections),
		"The application cannot connect while none is left.", "Close idle sessions, or raise the limit: SELECT usename, state, count(*) FROM pg_stat_activity GROUP BY 1, 2",
	}}
}

func (c Circumstances) statistics() (found []Risk) {
	for _, t := range c.Tables {
		if t.Pages > smallPages && (t.Stats.NeverCounted || len(t.Stats.Columns) == 0) {
			found = append(found, Risk{
				Statistics, "the statistics know nothing of " + t.Name.Schema + "." + t.Name.Name + ", so that its forecast is a guess", "",
				"Before the next plan: " + sqltext.Format("ANALYZE {}", t.Name),
			})
		}
	}
	return found
}

// size formats bytes.
func size(n int64) string {
	value := float64(n)
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if value < 1024 {
			if unit == "B" || value >= 100 {
				return fmt.Sprintf("%.0f %s", value, unit)
			}
			return fmt.Sprintf("%.1f %s", value, unit)
		}
		value /= 1024
	}
	return fmt.Sprintf("%.1f TB", value)
}

// setting returns a size as a value of a setting, rounded up to whole gigabytes.
func setting(bytes int64) string { return fmt.Sprintf("%dGB", max((bytes+1<<30-1)>>30, 1)) }

// inWords formats a duration.
func inWords(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	default:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
}
