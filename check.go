package rekey

import (
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/problem"
)

// check refuses a call before a connection is used: what the command line refuses, for the same reasons.
func check(pool *pgxpool.Pool, r setting.Request) error {
	found := setting.Check(r)
	if len(found) == 0 && pool == nil {
		found = problem.List{message.NoPool()}
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

// check refuses a Config; directions are those in which the call may go, none where it goes nowhere.
func (c Config) check(pool *pgxpool.Pool, command string, directions ...plan.Direction) error {
	r := c.request()
	r.Command = command
	for _, direction := range directions {
		if direction == plan.Down {
			r.Versions = append(r.Versions, c.Profile.From)
		} else {
			r.Versions = append(r.Versions, c.Profile.To)
		}
	}
	if err := check(pool, r); err != nil {
		return err
	}
	for _, standby := range c.Standbys {
		if standby == nil {
			return message.NoPool()
		}
	}
	return nil
}

// request is what the Config asks, by the names of the settings; a zero value was not given.
func (c Config) request() setting.Request {
	r := setting.Request{
		Style: setting.Fields, Texts: map[string][]string{}, Numbers: map[string]int64{}, Overrides: map[string]setting.Names{},
		Sources: map[string]string{}, Columns: c.Values.Columns,
	}
	if c.hasProfile() {
		r.Profile = &c.Profile
		r.Texts["profile"] = []string{c.Profile.Name}
	}
	if c.hasProfile() || c.Version != 0 {
		r.Texts["version"] = []string{strconv.Itoa(c.Version)}
	}
	if c.hasProfile() && c.Schema != "" {
		delete(r.Texts, "version") // one fault is enough
	}
	for flag, text := range map[string]string{
		"prefix": c.Prefix, "schema": c.Schema, "column": c.Column, "index-name": c.IndexName, "pace": c.Pace,
		"throttle-query": c.ThrottleQuery, "throttle-file": c.ThrottleFile, "time-source": string(c.Values.Source), "time-zone": c.Values.Zone,
	} {
		if text != "" {
			r.Texts[flag] = []string{text}
		}
	}
	for flag, list := range map[string][]string{
		"tables": c.Tables, "exclude": c.Exclude, "without-signal": c.WithoutSignals, "trust-owner": c.TrustOwners, "random": c.Values.Random,
	} {
		if len(list) > 0 {
			r.Texts[flag] = list
		}
	}
	for flag, on := range map[string]bool{"skip-refused": c.SkipRefused, "down": c.Back, "own": len(c.Own) > 0} {
		if on {
			r.Texts[flag] = []string{"true"}
		}
	}
	for flag, n := range map[string]int64{
		"max-lock": int64(c.MaxLock), "lock-patience": int64(c.LockPatience), "batch-time": int64(c.BatchTime), "max-lag": int64(c.MaxLag),
		"max-snapshot-age": int64(c.MaxSnapshotAge), "max-retained-wal": c.MaxRetainedWAL,
	} {
		if n != 0 {
			r.Numbers[flag] = n
		}
	}
	for table, own := range c.Own {
		r.Overrides[table] = setting.Names(own)
	}
	for table, source := range c.Values.Sources {
		r.Sources[table] = string(source)
	}
	return r
}

// hasProfile reports whether anything is said of a profile.
func (c Config) hasProfile() bool {
	p := c.Profile
	return p.Name+p.VersionTable+p.Column != "" || len(p.Tables) > 0 || p.From|p.To|p.VerifyFrom|p.Last != 0
}

// Check refuses a Fleet that no call may go by: Each does not, and takes the nearest number that is allowed.
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
