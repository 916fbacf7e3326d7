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

// options say what is measured.
type options struct {
	rows     int64
	sizes    []int64 // more sizes, on which only rekey is measured
	versions []int
	runs     []string // names of runs, or what they begin with
	json     string   // a file
	quiet    bool     // leave out the runs with traffic

	inserts     int           // rows put into the unique indexes
	rate        int           // statements of the application a second
	connections int           // of the application
	warm        time.Duration // traffic before anything is counted
	idle        time.Duration // traffic without a migration, where no migration was timed before it
	tenants     int           // schemas of the run over many
	parallel    int           // of them at a time
	careless    bool          // a server that need not keep its data: for tests, where no figure counts
}

func defaults() options {
	return options{
		rows: 2_000_000, versions: []int{15, 18}, inserts: 1_000_000,
		rate: 400, connections: 4, warm: 3 * time.Second, idle: 20 * time.Second,
		tenants: 500, parallel: 4,
	}
}

func parse(args []string, usage io.Writer) (options, error) {
	o := defaults()
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.Int64Var(&o.rows, "rows", o.rows, "rows of the table")
	flags.Func("sizes", "more sizes, as 200000,20000000: rekey alone is measured on them", func(text string) error {
		return list(text, &o.sizes, func(word string) (int64, error) { return strconv.ParseInt(word, 10, 64) })
	})
	flags.Func("versions", "major versions of PostgreSQL (default 15,18)", func(text string) error {
		return list(text, &o.versions, strconv.Atoi)
	})
	flags.Func("runs", "only these, by name or its beginning, as b,c-full (default all): "+strings.Join(names(), ", "),
		func(text string) error {
			return list(text, &o.runs, func(word string) (string, error) { return word, nil })
		})
	flags.StringVar(&o.json, "json", "", "write the figures to this `file` too")
	flags.BoolVar(&o.quiet, "quiet-traffic", false, "leave out the runs with traffic")
	flags.IntVar(&o.inserts, "inserts", o.inserts, "rows put into the unique indexes of v7 and of v4")
	flags.IntVar(&o.rate, "rate", o.rate, "statements of the application a second")
	flags.IntVar(&o.connections, "connections", o.connections, "connections of the application")
	flags.IntVar(&o.tenants, "tenants", o.tenants, "schemas of ten small tables, in the run tenants")
	flags.IntVar(&o.parallel, "parallel", o.parallel, "schemas at a time")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is not understood", flags.Arg(0))
	}
	return o, o.check()
}

// list reads words separated by commas.
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
			return fmt.Errorf("%d is no number of rows", rows)
		}
	}
	for _, major := range o.versions {
		if major < server.Oldest || major > server.Newest {
			return fmt.Errorf("version %d is none from %d to %d", major, server.Oldest, server.Newest)
		}
	}
	if o.rate < 1 || o.connections < 1 || o.inserts < 1 || o.tenants < 1 || o.parallel < 1 {
		return fmt.Errorf("--rate, --connections, --inserts, --tenants and --parallel begin at 1")
	}
	for _, word := range o.runs {
		if !slices.ContainsFunc(names(), func(name string) bool { return begins(name, word) }) {
			return fmt.Errorf("no run is called %q: there are %s", word, strings.Join(names(), ", "))
		}
	}
	return nil
}

// wants tells whether a run is asked for.
func (o options) wants(name string) bool {
	return len(o.runs) == 0 || slices.ContainsFunc(o.runs, func(word string) bool { return begins(name, word) })
}

// only reports whether these are the only runs that were requested.
func (o options) only(some ...string) bool {
	return len(o.runs) > 0 && !slices.ContainsFunc(o.runs, func(word string) bool { return !slices.Contains(some, word) })
}

// begins tells whether a name is the word, or begins with it and a dash.
func begins(name, word string) bool { return name == word || strings.HasPrefix(name, word+"-") }
