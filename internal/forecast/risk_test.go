package forecast

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const gb = int64(1) << 30

// quiet is a server on which a run of 4 GB of WAL has no risk.
func quiet() Circumstances {
	return Circumstances{
		Forecast: Forecast{All: Cost{
			WAL: 4 * gb, Peak: 3 * gb, TableBefore: 10 * gb, TableAfter: 11 * gb, Times: map[pace.Speed]time.Duration{pace.Normal: 100 * time.Second},
		}},
		Server: Server{MaxWAL: 16 * gb, MinWAL: 8 * gb, Completion: 0.9, Segment: 16 << 20},
		Load: catalog.Load{
			MaxWAL: 16 * gb, MinWAL: 8 * gb, FreezeAge: 200_000_000, MultiFreezeAge: 400_000_000, Free: 90, RoleFree: -1,
			Slots:     []catalog.Slot{{Name: "standby_1", Active: true, Status: "reserved", Retained: 1 << 20, Spare: -1}},
			Followers: []catalog.Follower{{Name: "standby_1", Lag: time.Second}},
		},
		Pace: pace.Normal, DiskFree: 100 * gb, MaxLag: 10 * time.Second, MaxRetained: 10 * gb,
		Tables: []Watched{{Name: sqltext.Table{Schema: "app", Name: "t"}, Pages: 100_000, Stats: catalog.Stats{Columns: []catalog.ColumnStats{{Name: "id"}}, FrozenAge: 1000}}},
	}
}

func TestRisks(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Circumstances)
		want   RiskName // "" for none
		says   string   // part of the message or the hint
	}{
		"nothing":                  {func(*Circumstances) {}, "", ""},
		"too little space":         {func(c *Circumstances) { c.DiskFree = 2 * gb }, Disk, "3.0 GB more on the disk, and 2.0 GB are free"},
		"hardly enough space":      {func(c *Circumstances) { c.DiskFree, c.Place = 3*gb+1, "/data" }, Disk, "free in /data"},
		"unknown space":            {func(c *Circumstances) { c.DiskFree = 0 }, Disk, "--disk-free"},
		"unknown space, small run": {func(c *Circumstances) { c.DiskFree, c.Forecast.All.Peak = 0, 1<<20 }, "", ""},
		"a slot without a reader":  {func(c *Circumstances) { c.Load.Slots[0].Active = false }, Slots, "pg_drop_replication_slot('standby_1')"},
		"a slot that was lost":     {func(c *Circumstances) { c.Load.Slots[0].Active, c.Load.Slots[0].Status = false, "lost" }, "", ""},
		"a slot that will be lost": {func(c *Circumstances) { c.Load.Slots[0].Spare = gb }, Slots, "loses WAL that it needs after 1.0 GB"},
		"a slot that is behind":    {func(c *Circumstances) { c.Load.Slots[0].Retained = 6 * gb }, Slots, "the run pauses above 10.0 GB"},
		"the archive fails":        {func(c *Circumstances) { c.Load.ArchiveFails = true }, Archive, "4.0 GB more"},
		"a standby that lags":      {func(c *Circumstances) { c.Load.Followers[0].Lag = 8 * time.Second }, Standby, "8 s behind"},
		"a standby that hides it":  {func(c *Circumstances) { c.Load.Followers[0].Hidden, c.Load.Followers[0].Lag = true, time.Hour }, "", ""},
		"a slow standby":           {func(c *Circumstances) { c.Load.Followers[0].Replays = 10 << 20 }, Standby, "--pace gentle"},
		"a fast standby":           {func(c *Circumstances) { c.Load.Followers[0].Replays = 100 << 20 }, "", ""},
		"a long transaction": {func(c *Circumstances) {
			c.Load.Transactions = []catalog.Transaction{{PID: 7, Application: "pg_dump", State: "active", Age: 3 * time.Hour}}
		}, LongTransaction, "3 h (pid 7, pg_dump, active)"},
		"a prepared transaction": {func(c *Circumstances) {
			c.Load.Transactions = []catalog.Transaction{{Prepared: "x", Age: 5 * time.Minute}}
		}, LongTransaction, "for 5 min"},
		"a small min_wal_size":        {func(c *Circumstances) { c.Load.MinWAL = 80 << 20 }, MinWALSize, "min_wal_size = '8GB'"},
		"a large WAL directory":       {func(c *Circumstances) { c.Load.MinWAL, c.Load.WALDirectory = 80<<20, 8*gb }, "", ""},
		"a small max_wal_size":        {func(c *Circumstances) { c.Server.MaxWAL = gb }, MaxWALSize, "max_wal_size = '8GB'"},
		"a VACUUM":                    {func(c *Circumstances) { c.Tables[0].Stats.Vacuuming = true }, Autovacuum, "a VACUUM of app.t is running"},
		"wraparound":                  {func(c *Circumstances) { c.Tables[0].Stats.FrozenAge = 190_000_000 }, Autovacuum, `VACUUM (FREEZE) "app"."t"`},
		"wraparound of multixacts":    {func(c *Circumstances) { c.Tables[0].Stats.MultiAge = 390_000_000 }, Autovacuum, "390 million of 400"},
		"few connections":             {func(c *Circumstances) { c.Load.Free = 5 }, Connections, "5 connections of the server"},
		"few connections of the role": {func(c *Circumstances) { c.Load.RoleFree = 3 }, Connections, "3 connections of the role"},
		"no connection":               {func(c *Circumstances) { c.Load.Free = -2 }, Connections, "0 connections"},
		"no statistics":               {func(c *Circumstances) { c.Tables[0].Stats.Columns = nil }, Statistics, `ANALYZE "app"."t"`},
		"no statistics, small table":  {func(c *Circumstances) { c.Tables[0].Stats.Columns, c.Tables[0].Pages = nil, 10 }, "", ""},
	} {
		c := quiet()
		test.change(&c)
		found := c.Risks()
		if test.want == "" {
			if len(found) > 0 {
				t.Errorf("%s: %v", name, found)
			}
			continue
		}
		if len(found) != 1 || found[0].Name != test.want || found[0].Message == "" || found[0].Hint == "" || !strings.Contains(found[0].Message+" "+found[0].Hint, test.says) {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// Messages follow PostgreSQL's style: the message is lower case without a period, detail and hint are sentences.
func TestRisksAreWorded(t *testing.T) {
	c := quiet()
	c.DiskFree, c.Load.MinWAL, c.Server.MaxWAL, c.Load.ArchiveFails, c.Load.Free = gb, 0, gb, true, 0
	c.Load.Slots[0].Active, c.Load.Followers[0].Lag, c.Tables[0].Stats = false, time.Hour, catalog.Stats{Vacuuming: true, NeverCounted: true}
	c.Load.Transactions = []catalog.Transaction{{PID: 1, Age: time.Hour}}
	named := map[RiskName]bool{}
	for _, r := range c.Risks() {
		named[r.Name] = true
		if first := r.Message[:1]; strings.HasSuffix(r.Message, ".") || first != strings.ToLower(first) {
			t.Errorf("message %q", r.Message)
		}
		if r.Detail != "" && !strings.HasSuffix(r.Detail, ".") {
			t.Errorf("detail %q", r.Detail)
		}
		if strings.Contains(r.String(), "\n") || !strings.HasPrefix(r.String(), "risk "+string(r.Name)+": ") {
			t.Errorf("%q", r.String())
		}
	}
	if len(named) != 10 {
		t.Errorf("%v", named)
	}
}

func TestReplaying(t *testing.T) {
	const mb = 1 << 20
	all := []catalog.Follower{{Name: "slow"}, {Name: "idle"}, {Name: "new"}, {Name: "stuck"}}
	before := []catalog.Follower{{Name: "slow", Behind: 100 * mb, Replayed: 50 * mb}, {Name: "idle", Replayed: 150 * mb}, {Name: "stuck", Behind: 90 * mb, Replayed: 60 * mb}}
	after := []catalog.Follower{{Name: "slow", Behind: 80 * mb, Replayed: 70 * mb}, {Name: "idle", Replayed: 150 * mb}, {Name: "new"}, {Name: "stuck", Behind: 90 * mb, Replayed: 60 * mb}}
	got := Replaying(all, before, after, 2*time.Second, 16*mb)
	if got[0].Replays != 10*mb || got[1].Replays != 0 || got[2].Replays != 0 || got[3].Replays != 1 {
		t.Errorf("%+v", got)
	}
}
