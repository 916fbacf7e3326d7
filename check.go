package rekey

import (
	"maps"
	"slices"

	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/survey"
	"github.com/rekey-pg/rekey/internal/throttle"
	"github.com/rekey-pg/rekey/problem"
)

// check validates what New was given.
func (m *Migrator) check() error {
	switch m.scope.(type) {
	case Schema, Profile, profileScope:
	default: // nil, or a pointer
		return message.BadScope()
	}
	found := setting.Check(settings(m.scope, m.profile, m.options))
	if m.profile != nil {
		found = append(found, setting.CheckProfile(m.profile.internal())...)
	}
	if source := m.options.Values.Source; source.kind != byDefault && source.kind != byCreation && source.kind != byClock {
		found = append(found, message.SourceOfOneTable(source.String()))
	}
	if len(found) == 0 && m.pool == nil && m.db == nil {
		found = problem.List{message.NoPool()}
	}
	for _, standby := range m.options.Standbys {
		if standby == nil && len(found) == 0 {
			found = problem.List{message.NoPool()}
		}
	}
	for _, node := range m.options.Cluster.Nodes {
		if node == nil && len(found) == 0 {
			found = problem.List{message.NoPool()}
		}
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

// settings returns the settings, by the names of the command's flags; a zero value was not given. A nil scope is
// one that the call does not need.
func settings(scope Scope, profile *Profile, o Options) setting.Request {
	r := setting.Request{
		Style: setting.Fields, NoScope: scope == nil, Texts: map[string][]string{}, Numbers: map[string]int64{}, Overrides: map[string]setting.Names{},
		Sources: map[string]string{}, Columns: map[string]string{},
	}
	texts := map[string]string{
		"pace": string(o.Backfill.Pace), "throttle-query": o.Throttle.Query, "throttle-file": o.Throttle.File, "time-zone": o.Values.TimeZone,
		"to": string(o.To), "confirm": o.Confirm, "arbiter": string(o.Arbiter),
	}
	lists := map[string][]string{"without-signal": o.Throttle.Without, "trust-owner": o.Permissions.TrustOwners}
	for _, name := range o.Accept {
		lists["accept"] = append(lists["accept"], string(name))
	}
	switch s := scope.(type) {
	case Schema:
		r.Texts["schema"] = []string{s.Name}
		texts["column"], texts["index-name"] = s.Column, s.IndexName
		lists["tables"], lists["exclude"], lists["parents"] = s.Tables, s.Exclude, s.Parents
		for _, ref := range s.References {
			r.References = append(r.References, setting.Reference(ref))
		}
	case Profile, profileScope:
		r.Tables, r.LinkAt = profile.tableNames(), profile.LinkAt
		r.Texts["profile"], r.Texts["prefix"] = []string{profile.Name}, []string{s.schemaName()}
	}
	for flag, text := range texts {
		if text != "" {
			r.Texts[flag] = []string{text}
		}
	}
	for flag, list := range lists {
		if len(list) > 0 {
			r.Texts[flag] = list
		}
	}
	for flag, n := range map[string]int64{
		"lock-timeout": int64(o.Locks.Timeout), "lock-retry-timeout": int64(o.Locks.RetryTimeout), "batch-time": int64(o.Backfill.BatchTime), "soak": int64(o.Soak),
		"max-lag": int64(o.Throttle.MaxLag), "max-snapshot-age": int64(o.Throttle.MaxSnapshotAge), "max-retained-wal": o.Throttle.MaxRetainedWAL, "disk-free": o.Forecast.DiskFree,
		"max-impact": setting.Ratio(o.Backfill.MaxImpact), "max-per-node": int64(o.Cluster.MaxPerNode),
	} {
		if n != 0 {
			r.Numbers[flag] = n
		}
	}
	for table, t := range o.Tables {
		if t.Column != "" || t.IndexName != "" {
			r.Overrides[table] = setting.Names{Column: t.Column, IndexName: t.IndexName}
			r.Texts["overrides"] = []string{"true"}
		}
	}
	r.Nodes = slices.Sorted(maps.Keys(o.Cluster.Nodes))
	values := o.values()
	for table, source := range values.Sources {
		r.Sources[table] = string(source)
	}
	r.Columns = values.Columns
	if len(values.Random) > 0 {
		r.Texts["random"] = values.Random
	}
	return r
}

// hazards returns the accepted hazards.
func (o Options) hazards() []plan.HazardName {
	var names []plan.HazardName
	for _, name := range o.Accept {
		names = append(names, plan.HazardName(name))
	}
	return names
}

// values returns the settings of the UUIDs of existing rows.
func (o Options) values() plan.Values {
	v := plan.Values{Zone: o.Values.TimeZone, Sources: map[string]plan.Source{}, Columns: map[string]string{}}
	if o.Values.Source.kind == byClock {
		v.Source = plan.ByClock
	}
	for table, t := range o.Tables {
		switch t.Values.kind {
		case byDefault:
		case byCreation:
			v.Sources[table] = plan.ByColumn
		case byClock:
			v.Sources[table] = plan.ByClock
		case byColumn:
			v.Columns[table] = t.Values.column
		case byKey:
			v.Columns[table] = order.None
		case atRandom:
			v.Random = append(v.Random, table)
		}
	}
	return v
}

// checkDirection validates what depends on the direction of a call.
func (m *Migrator) checkDirection(direction Direction) error {
	if direction != Up && direction != Down {
		return message.BadDirection(string(direction))
	}
	r := settings(nil, nil, Options{To: m.options.To})
	r.Direction = string(direction)
	if found := setting.Check(r); len(found) > 0 {
		return found
	}
	return nil
}

func (m *Migrator) request(direction plan.Direction) (survey.Request, error) {
	permissions := m.options.Permissions
	r := survey.Request{
		Schema: m.scope.schemaName(), Direction: direction, Goal: plan.Phase(m.options.To), Standbys: pg.Standbys(m.options.Standbys),
		Policy: plan.Policy{
			SubscribersReady: permissions.SubscribersReady, FireTriggers: permissions.FireTriggers,
			TrustOwners: permissions.TrustOwners, Values: m.options.values(), Arbiter: plan.Arbiter(m.options.Arbiter), Accept: m.options.hazards(),
			Soak: setting.Or("soak", m.options.Soak), KeepID: m.options.KeepID, RenameKeys: m.options.RenameKeys,
		},
	}
	var err error
	r.Scope, r.Policy.SkipRefused, err = m.scope.compile(m.options.Tables)
	return r, err
}

func selection(schema Schema, tables map[string]TableOptions) (selected plan.Selection, err error) {
	selected = plan.Selection{
		Naming: plan.Naming{Column: schema.Column, Index: schema.IndexName}, Overrides: map[string]plan.Naming{}, Parents: schema.Parents,
	}
	for _, r := range schema.References {
		selected.References = append(selected.References, plan.Reference{Child: r.Table, Column: r.Column, Parent: r.Parent})
	}
	if selected.Filter.Tables, err = patterns(schema.Tables); err != nil {
		return selected, err
	}
	if selected.Filter.Exclude, err = patterns(schema.Exclude); err != nil {
		return selected, err
	}
	for table, t := range tables {
		if t.Column != "" || t.IndexName != "" {
			selected.Overrides[table] = plan.Naming{Column: t.Column, Index: t.IndexName}
		}
	}
	return selected, nil
}

func patterns(texts []string) (list []discover.Pattern, err error) {
	for _, text := range texts {
		p, err := discover.ParsePattern(text)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func (m *Migrator) signals() throttle.Limits {
	t := m.options.Throttle
	return throttle.Limits{
		MaxLag: t.MaxLag, MaxRetainedWAL: t.MaxRetainedWAL, MaxSnapshotAge: t.MaxSnapshotAge,
		Query: t.Query, File: t.File, Without: t.Without,
	}
}
