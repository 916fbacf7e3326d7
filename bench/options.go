package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/server"
)

// options select the measurements.
type options struct {
	rows     int64
	sizes    []int64 // additional sizes, at which only rekey is measured
	versions []int
	runs     []string // names of runs, or their beginnings
	json     string   // file for the JSON
	quiet    bool     // leave out the runs with traffic
	exact    bool     // runs are whole names

	inserts     int           // rows that enter the unique indexes
	rate        int           // statements per second of the application
	connections int           // connections of the application
	warm        time.Duration // traffic before the measurement starts
	idle        time.Duration // duration of the run without a migration, if no migration was timed before it
	tenants     int           // number of schemas in the run over many schemas
	parallel    int           // number of schemas at a time
	children    int64         // rows of the child in the run of foreign keys, ten for each parent
	maxPerNode  int           // rekey's connections to each node of a cluster
	pace        string        // of the runs forecast and citus
	careless    bool          // a server that may lose its data: for tests, whose figures do not count
}

func defaults() options {
	return options{
		rows: 2_000_000, versions: []int{15, 18}, inserts: 1_000_000,
		rate: 400, connections: 4, warm: 3 * time.Second, idle: 20 * time.Second,
		tenants: 500, parallel: 4, pace: "full", children: 2_000_000, maxPerNode: 8,
	}
}

func parse(args []string, usage io.Writer) (options, error) {
	o := defaults()
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.Int64Var(&o.rows, "rows", o.rows, "rows of the table")
	flags.Func("sizes", "additional sizes for rekey alone, as 200000,20000000", func(text string) error {
		return list(text, &o.sizes, func(word string) (int64, error) { return strconv.ParseInt(word, 10, 64) })
	})
	flags.Func("versions", "major versions of PostgreSQL (default 15,18)", func(text string) error {
		return list(text, &o.versions, strconv.Atoi)
	})
	flags.Func("runs", "only these runs, by name or its beginning, as b,c-full (default all): "+strings.Join(names(), ", "),
		func(text string) error {
			return list(text, &o.runs, func(word string) (string, error) { return word, nil })
		})
	flags.StringVar(&o.json, "json", "", "also write the figures to this `file`")
	flags.BoolVar(&o.quiet, "quiet-traffic", false, "leave out the runs with traffic")
	flags.BoolVar(&o.exact, "exact", false, "take the names in --runs as whole names, not as beginnings")
	flags.IntVar(&o.inserts, "inserts", o.inserts, "rows that enter the unique indexes of v7 and v4")
	flags.IntVar(&o.rate, "rate", o.rate, "statements per second of the application")
	flags.IntVar(&o.connections, "connections", o.connections, "connections of the application")
	flags.IntVar(&o.tenants, "tenants", o.tenants, "schemas of ten small tables, in the run tenants")
	flags.Int64Var(&o.children, "children", o.children, "rows that refer to a tenth as many parents, in the run link")
	flags.IntVar(&o.maxPerNode, "max-per-node", o.maxPerNode, "rekey's connections to each node, in the runs citus")
	flags.StringVar(&o.pace, "pace", o.pace, "pace of the runs forecast and citus: gentle, normal or full")
	flags.IntVar(&o.parallel, "parallel", o.parallel, "schemas at a time")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, o.check()
}

// list parses values separated by commas.
func list[T any](text string, into *[]T, read func(string) (T, error)) error {
	*into = nil
	for word := range strings.SplitSeq(text, ",") {
		value, err := read(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		*into = append(*into, value)
	}
	return nil
}

func (o options) check() error {
	for _, rows := range append([]int64{o.rows}, o.sizes...) {
		if rows < 1 {
			return fmt.Errorf("invalid number of rows %d", rows)
		}
	}
	for _, major := range o.versions {
		if major < server.Oldest || major > server.Newest {
			return fmt.Errorf("version %d is not between %d and %d", major, server.Oldest, server.Newest)
		}
	}
	if o.rate < 1 || o.connections < 1 || o.inserts < 1 || o.tenants < 1 || o.parallel < 1 || o.children < childrenPerParent {
		return fmt.Errorf("--rate, --connections, --inserts, --tenants and --parallel must be at least 1, --children at least 10")
	}
	for _, word := range o.runs {
		if !slices.ContainsFunc(names(), func(name string) bool { return begins(name, word) }) {
			return fmt.Errorf("unknown run %q; the runs are %s", word, strings.Join(names(), ", "))
		}
	}
	return nil
}

// wants reports whether the options select a run.
func (o options) wants(name string) bool {
	return len(o.runs) == 0 || slices.ContainsFunc(o.runs, func(word string) bool { return name == word || !o.exact && begins(name, word) })
}

// wantsAny reports whether the options select a run whose name begins with the word.
func (o options) wantsAny(word string) bool {
	return o.wants(word) || slices.ContainsFunc(o.runs, func(name string) bool { return begins(name, word) })
}

// only reports whether these are the only runs that were requested.
func (o options) only(some ...string) bool {
	return len(o.runs) > 0 && !slices.ContainsFunc(o.runs, func(word string) bool {
		return !slices.ContainsFunc(some, func(one string) bool { return begins(word, one) })
	})
}

// begins reports whether a name is the word, or begins with it and a dash.
func begins(name, word string) bool { return name == word || strings.HasPrefix(name, word+"-") }
