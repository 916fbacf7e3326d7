package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// schemaFlags are the flags of a schema run.
type schemaFlags struct {
	tables, exclude   []string
	column, indexName string
	overrides         map[string]rekey.TableOptions // by table; set by a file only
	skipRefused, down bool
	parallel, canary  int
	onError           string
	maxFailures       int
	targets           string   // the file of --targets
	groups            []string // of the targets
}

// register adds the flags that select tables, in many schemas and databases too.
func (w *schemaFlags) register(cmd *cobra.Command, file *string) {
	w.oneSchema(cmd, file)
	set := cmd.Flags()
	set.StringVar(&w.targets, "targets", "", "work on every database that a file lists; each has its own URL")
	set.StringSliceVar(&w.groups, "group", nil, "with --targets: only these groups")
	set.IntVar(&w.parallel, "parallel", 1, "schemas at a time, "+setting.Range("parallel"))
	_ = cmd.RegisterFlagCompletionFunc("group", cobra.NoFileCompletions)
}

// oneSchema adds the flags that select tables of one schema.
func (w *schemaFlags) oneSchema(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "config", "", "read settings from a file of rekey init")
	w.selection(cmd)
	cmd.Flags().BoolVar(&w.skipRefused, "skip-refused", false, "skip refused tables and references")
}

// fleet adds the flags of the commands that change many schemas.
func (w *schemaFlags) fleet(cmd *cobra.Command) {
	set := cmd.Flags()
	set.IntVar(&w.canary, "canary", 0, "work on the first N schemas one by one; stop if one fails")
	set.StringVar(&w.onError, "on-error", "stop", "what to do when a schema fails")
	set.IntVar(&w.maxFailures, "max-failures", 0, "with --on-error continue: stop after N failures; 0: never")
	_ = cmd.RegisterFlagCompletionFunc("on-error", cobra.FixedCompletions([]string{"stop", "continue"}, cobra.ShellCompDirectiveNoFileComp))
}

// selection adds the flags that select tables and name columns and indexes.
func (w *schemaFlags) selection(cmd *cobra.Command) {
	set := cmd.Flags()
	set.Var(&patterns{&w.tables}, "tables", "only these tables (* and ? match)")
	set.Var(&patterns{&w.exclude}, "exclude", "without these tables")
	set.StringVar(&w.column, "column", "", "name of the uuid column (default uuid)")
	set.StringVar(&w.indexName, "index-name", "", "names of the indexes (default {table}_{column}_idx)")
	for _, name := range []string{"tables", "exclude", "column", "index-name"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// pickScope sets the profile or the schema of the job.
func (f *flags) pickScope(j *job) *problem.Problem {
	j.schema = rekey.Schema{Name: f.name()}
	if f.schema == "" {
		return f.pickProfile(j)
	}
	j.schema.Tables, j.schema.Exclude = f.schemaRun.tables, f.schemaRun.exclude
	j.schema.Column, j.schema.IndexName = f.schemaRun.column, f.schemaRun.indexName
	j.schema.SkipRefused = f.schemaRun.skipRefused
	j.schema.Parents = f.phase.parents
	return nil
}

// where returns the flags of the scope, for the next command.
func (f *flags) where() string {
	if f.file != "" {
		return "--config " + visible.Word(f.file)
	}
	words := []string{f.names()}
	for _, w := range []struct{ name, value string }{
		{"tables", strings.Join(f.schemaRun.tables, ",")},
		{"exclude", strings.Join(f.schemaRun.exclude, ",")},
		{"column", f.schemaRun.column},
		{"index-name", f.schemaRun.indexName},
	} {
		if w.value != "" {
			words = append(words, "--"+w.name, visible.Word(w.value))
		}
	}
	for _, w := range []struct {
		name   string
		values []string
	}{{"parents", f.phase.parents}, {"reference", f.phase.words}} {
		for _, value := range w.values {
			words = append(words, "--"+w.name, visible.Word(value))
		}
	}
	if f.schemaRun.skipRefused {
		words = append(words, "--skip-refused")
	}
	return strings.Join(words, " ") + f.trusting()
}

// names returns the flags that name the schema or the profile. Every command that connects has them.
func (f *flags) names() string {
	switch {
	case f.schema != "":
		return "--schema " + visible.Word(f.schema)
	case f.profile != "":
		return "--profile " + f.profile + " --prefix " + visible.Word(f.prefix)
	default: // a request to the active run
		return "--prefix " + visible.Word(f.prefix)
	}
}

// trusting returns the flags of the trusted owners.
func (f *flags) trusting() string {
	var words strings.Builder
	for _, owner := range f.trustOwners {
		words.WriteString(" --trust-owner " + visible.Word(owner))
	}
	return words.String()
}

// patterns is a list to which each use of its flag adds. A comma after a backslash belongs to a name.
type patterns struct{ list *[]string }

// String returns the list as it was written.
func (p *patterns) String() string {
	if p.list == nil {
		return ""
	}
	return strings.Join(*p.list, ",")
}

// Set adds patterns.
func (p *patterns) Set(text string) error {
	*p.list = append(*p.list, rekey.SplitPatterns(text)...)
	return nil
}

// Type returns the name of the type in messages.
func (p *patterns) Type() string { return "patterns" }
