package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// valueFlags are the flags about the values of existing rows.
type valueFlags struct {
	sources, columns, random []string
	zone                     string
}

func (v *valueFlags) register(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringSliceVar(&v.sources, "time-source", nil, "time in existing rows' uuids (default column); column: when the row was created, now: when it is filled; TABLE=now for one table")
	set.StringArrayVar(&v.columns, "time-column", nil, "creation-time column of a table; TABLE may be a pattern; TABLE=none: key order; COLUMN:s, COLUMN:ms or COLUMN:us for an integer")
	set.StringVar(&v.zone, "time-zone", "", "time zone of timestamps without one (default UTC)")
	set.StringSliceVar(&v.random, "random", nil, "tables with random uuids (version 4); they do not reveal when a row was created")
	for name, complete := range map[string]func() []string{
		"time-source": sources, "time-column": eachTable(noTimeColumn), "random": tables, "time-zone": func() []string { return nil },
	} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(complete(), cobra.ShellCompDirectiveNoFileComp))
	}
}

// tables returns the names of the tables of all profiles.
func tables() (names []string) {
	for _, p := range profiles() {
		for _, t := range p.Tables {
			names = append(names, t.Names()...)
		}
	}
	return names
}

func eachTable(word string) func() []string {
	return func() (words []string) {
		for _, name := range tables() {
			words = append(words, name+"="+word)
		}
		return words
	}
}

func sources() []string {
	return slices.Concat([]string{string(rekey.FromCreation), string(rekey.FromMigration)}, eachTable(string(rekey.FromMigration))())
}

// apply sets the sources of the values. Names of tables and columns are checked later.
func (v *valueFlags) apply(o *rekey.Options) *problem.Problem {
	o.Values.TimeZone = v.zone
	if o.Tables == nil {
		o.Tables = map[string]rekey.TableOptions{}
	}
	set := func(table string, source rekey.ValueSource) {
		t := o.Tables[table]
		t.Values = source
		o.Tables[table] = t
	}
	for _, word := range v.sources {
		table, source, one := strings.Cut(word, "=")
		switch {
		case one:
			set(table, sourceOf(source))
		default:
			o.Values.Source = sourceOf(word)
		}
	}
	for _, table := range v.random {
		set(table, rekey.RandomValues())
	}
	for _, word := range v.columns {
		table, column, ok := strings.Cut(word, "=")
		switch {
		case !ok || table == "" || column == "":
			return wrong("bad_time_column", "--time-column cannot be "+visible.Quote(word), "Write TABLE=COLUMN, or TABLE=none for the order of the key.")
		case column == noTimeColumn:
			set(table, rekey.KeyOrder())
		default:
			set(table, rekey.TimeColumn(column))
		}
	}
	return nil
}

// sourceOf returns the source that a value of --time-source names. Any other value is refused elsewhere.
func sourceOf(word string) rekey.ValueSource {
	if word == string(rekey.FromMigration) {
		return rekey.MigrationTime()
	}
	return rekey.CreationTime()
}

// noTimeColumn is the value of --time-column for a table without a creation-time column.
const noTimeColumn = "none"
