package rekey

import (
	"maps"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/visible"
)

// notShown replaces a connection string, notRepeated the text of a query, which may contain literals.
const (
	notShown    = "given"
	notRepeated = "a query, whose text is not recorded"
)

// asked returns the options of a run for its record, by the names of the command's flags: first the given ones, then the
// defaults that bound waits and speed.
func (m *Migrator) asked() []event.Option {
	r := settings(m.scope, m.profile, m.options)
	values := map[string]string{}
	for flag, texts := range r.Texts {
		values[flag] = strings.Join(texts, ", ")
	}
	for flag, n := range r.Numbers {
		values[flag] = setting.Format(flag, n)
	}
	for table, source := range r.Sources {
		values["time-source "+table] = source
	}
	for table, column := range r.Columns {
		values["time-column "+table] = column
	}
	for _, one := range r.References {
		values["reference"] = strings.TrimPrefix(values["reference"]+", "+one.Table+"."+one.Column+"="+one.Parent, ", ")
	}
	for flag, on := range map[string]bool{
		"keep-id": m.options.KeepID, "rename-keys": m.options.RenameKeys, "skip-refused": skipsRefused(m.scope),
		"subscribers-ready": m.options.Permissions.SubscribersReady, "fire-triggers": m.options.Permissions.FireTriggers,
	} {
		if on {
			values[flag] = "yes"
		}
	}
	delete(values, "overrides")
	if m.options.Direct != nil {
		values["direct-url"] = notShown
	}
	if n := len(m.options.Standbys); n > 0 {
		values["standby-url"] = message.Counted(n, "standby", "standbys")
	}
	if n := len(m.options.Cluster.Nodes); n > 0 {
		values["node-url"] = message.Counted(n, "node", "nodes")
	}
	if m.options.Soak == NoSoak {
		values["soak"] = "0s"
	}
	for table, names := range r.Overrides {
		values["overrides "+table] = strings.TrimSpace(names.Column + " " + names.IndexName)
	}
	if values["throttle-query"] != "" {
		values["throttle-query"] = notRepeated
	}
	var options []event.Option
	for _, name := range slices.Sorted(maps.Keys(values)) {
		options = append(options, event.Option{Name: name, Value: unlessSecret(values[name]), Default: isDefault(name, r.Numbers)})
	}
	for _, flag := range []string{"batch-time", "lock-retry-timeout", "lock-timeout", "max-lag", "max-retained-wal", "pace"} {
		if _, given := values[flag]; given {
			continue
		}
		value := "normal"
		if flag != "pace" {
			value = setting.Format(flag, setting.DefaultNumber(flag))
		}
		options = append(options, event.Option{Name: flag, Value: value, Default: true})
	}
	return options
}

// isDefault reports whether an option has the value of its default, which the command gives for every flag.
func isDefault(flag string, given map[string]int64) bool {
	n, ok := given[flag]
	return ok && n == setting.DefaultNumber(flag)
}

func skipsRefused(scope Scope) bool {
	schema, ok := scope.(Schema)
	return ok && schema.SkipRefused
}

// unlessSecret returns a value, or a note if it may contain a secret.
func unlessSecret(value string) string {
	if visible.Secret(value) {
		return visible.Withheld
	}
	return value
}
