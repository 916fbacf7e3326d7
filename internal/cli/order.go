package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// valueFlags say what the uuids of the rows that are there already tell.
type valueFlags struct {
	sources, columns, random []string
	zone                     string
}

func (v *valueFlags) register(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringSliceVar(&v.sources, "time-source", nil, "what the uuids of old rows tell, `column`: when a row was created, or now; of one table: TABLE=now (default column)")
	set.StringArrayVar(&v.columns, "time-column", nil, "a table's creation-time column, `TABLE=COLUMN`, or TABLE=none; TABLE may be a pattern, and an integer's unit is COLUMN:s, :ms or :us")
	set.StringVar(&v.zone, "time-zone", "", "`zone` of timestamps that have none (default UTC)")
	set.StringSliceVar(&v.random, "random", nil, "`tables` whose uuids shall not tell a row's age: version 4")
	for name, complete := range map[string]func() []string{
		"time-source": sources, "time-column": behind("none"), "random": tables, "time-zone": func() []string { return nil },
	} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(complete(), cobra.ShellCompDirectiveNoFileComp))
	}
}

// tables are those of all profiles.
func tables() (names []string) {
	for _, p := range profiles() {
		for _, t := range p.Tables {
			names = append(names, t.Names()...)
		}
	}
	return names
}

func behind(word string) func() []string {
	return func() (words []string) {
		for _, name := range tables() {
			words = append(words, name+"="+word)
		}
		return words
	}
}

func sources() []string {
	return slices.Concat([]string{string(rekey.ByColumn), string(rekey.ByClock)}, behind(string(rekey.ByClock))())
}

// apply makes the library's words of the flags. What a table or a source is called is looked at there.
func (v *valueFlags) apply(c *rekey.Config) *problem.Problem {
	c.Values = rekey.Values{Sources: map[string]rekey.Source{}, Columns: map[string]string{}, Zone: v.zone, Random: v.random}
	for _, word := range v.sources {
		table, source, one := strings.Cut(word, "=")
		if one {
			c.Values.Sources[table] = rekey.Source(source)
		} else {
			c.Values.Source = rekey.Source(word)
		}
	}
	for _, word := range v.columns {
		table, column, ok := strings.Cut(word, "=")
		if !ok || table == "" || column == "" {
			return wrong("bad_time_column", "--time-column cannot be "+visible.Quote(word), "Write TABLE=COLUMN, or TABLE=none.")
		}
		c.Values.Columns[table] = column
	}
	return nil
}
