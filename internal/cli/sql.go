package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// sqlFlags are the flags that only sql has.
type sqlFlags struct {
	direction, format, output, module string
}

func formats() []string { return setting.Choices("format") }

func directions() []string { return []string{"up", "down"} }

func (a *app) sqlCommand() *cobra.Command {
	f, s := &flags{}, &sqlFlags{}
	cmd := &cobra.Command{
		Use:   "sql up|down --profile NAME | --schema NAME [flags]",
		Short: "Write the plan as SQL, to run it without rekey",
		Long: `sql writes what up or down would do now as SQL: one script for psql, many files
for golang-migrate, one file for goose or one Ecto migration. Comments say what
each statement locks and reads. An interrupted script can be run again. sql
changes nothing. If the plan refuses a table, the exit code is 4.`,
		Example: `  rekey sql up   --profile phoenixkit --prefix public > up.sql
  rekey sql up   --profile phoenixkit --format golang-migrate --output db
  rekey sql up   --profile phoenixkit --format ecto --output priv/repo
  rekey sql down --profile phoenixkit --version 39 | psql -X
  rekey sql up   --schema app --exclude 'audit_*' > up.sql`,
		ValidArgs:         directions(),
		ValidArgsFunction: cobra.FixedCompletions(directions(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			j, err := s.job(cmd, f, args)
			if err != nil {
				return err
			}
			return a.read(cmd.Context(), j, f, s.run(a))
		},
	}
	f.common(cmd)
	f.schemaRun.oneSchema(cmd, &f.file)
	f.phase.registerEdges(cmd)
	set := cmd.Flags()
	set.StringVar(&f.version, "version", "", "version to record: 40 for up, 39 for down")
	set.StringVar(&s.format, "format", formats()[0], "tool that runs it: "+strings.Join(formats(), ", "))
	set.StringVar(&s.output, "output", "", "directory of the files; else standard output")
	set.StringVar(&s.module, "module", "", "module name for --format ecto; default: made of direction and schema")
	f.phase.register(cmd, "integers, expanded or linked")
	f.phase.registerArbiter(cmd)
	f.changes(cmd)
	for name, values := range map[string][]string{"version": {"39", "40"}, "format": formats()} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	return cmd
}

// job returns the call of the library that the command line describes, or everything that is wrong with it.
func (s *sqlFlags) job(cmd *cobra.Command, f *flags, args []string) (job, error) {
	var found problem.List
	if len(args) != 1 || !slices.Contains(directions(), args[0]) {
		return job{}, wrong("no_direction", "sql requires one argument, up or down", "Try: rekey sql up --profile phoenixkit")
	}
	s.direction, f.way = args[0], rekey.Direction(args[0])
	legal := map[string]string{"up": "40", "down": "39"}[s.direction]
	if !cmd.Flags().Changed("version") {
		f.version = legal
	}
	j, err := f.job(cmd, legal)
	if err != nil {
		found = append(found, problem.All(err)...)
	}
	switch {
	case s.module != "" && s.format != string(rekey.ScriptEcto):
		found = append(found, wrong("module_without_ecto", "--module requires --format ecto", "Omit --module, or add: --format ecto"))
	case s.output == "" && s.format == string(rekey.ScriptMigrate) && !f.json:
		found = append(found, message.NoOutput())
	}
	if len(found) > 0 {
		return j, found
	}
	return j, nil
}

// sqlDocument is the JSON of the command sql.
type sqlDocument struct {
	FormatVersion int       `json:"format_version"`
	Command       string    `json:"command"`
	Format        string    `json:"format"`
	Files         []sqlFile `json:"files"`
}

// sqlFile is one file of a script.
type sqlFile struct {
	Name string `json:"name"` // its path, if it was written
	Text string `json:"text,omitempty"`
}

func (s *sqlFlags) run(a *app) reading {
	return func(ctx context.Context, pool *pgxpool.Pool, j job, f *flags) error {
		first, err := s.next()
		if err != nil {
			return err
		}
		files, err := a.library.script(ctx, pool, j, rekey.ScriptOptions{Direction: j.direction, Format: rekey.ScriptFormat(s.format), First: first, Module: s.module})
		if err != nil {
			return err
		}
		written, err := s.write(files)
		if err != nil {
			return err
		}
		if f.json {
			return a.document(sqlDocument{event.FormatVersion, "sql " + s.direction, s.format, written})
		}
		if len(files) == 0 && !f.quiet {
			fmt.Fprintln(a.Stderr, "There is nothing to do.")
		}
		for _, file := range written {
			if s.output == "" {
				fmt.Fprint(a.script(), file.Text)
			} else {
				fmt.Fprintln(a.Stdout, file.Name)
			}
		}
		return nil
	}
}

// script returns the output of a script. A terminal gets escaped names; a file or a pipe gets them unchanged.
func (a *app) script() io.Writer {
	if isTerminal(a.out) {
		return a.Stdout
	}
	return a.exact
}

// next returns the number after the highest with which a file of the directory begins. Migration tools run their files
// in this order.
func (s *sqlFlags) next() (int, error) {
	if s.output == "" {
		return s.from(0), nil
	}
	entries, err := os.ReadDir(s.output)
	if err != nil && !os.IsNotExist(err) {
		return 0, message.ScriptNotWritten(visible.Path(s.output), systemSays(err), err)
	}
	highest := 0
	for _, e := range entries {
		if digits := regexp.MustCompile(`^([0-9]+)_.*\.(?:sql|exs)$`).FindStringSubmatch(e.Name()); digits != nil {
			if n, err := strconv.Atoi(digits[1]); err == nil {
				highest = max(highest, n)
			}
		}
	}
	return s.from(highest), nil
}

// from returns the first number for a format. Ecto's numbers are times, to the second in UTC; other formats count.
func (s *sqlFlags) from(highest int) int {
	next := highest + 1
	if s.format != string(rekey.ScriptEcto) {
		return next
	}
	now, err := strconv.Atoi(time.Now().UTC().Format("20060102150405"))
	if err != nil { // an int of 32 bits
		return next
	}
	return max(next, now)
}

// write writes the files. It overwrites none.
func (s *sqlFlags) write(files []rekey.ScriptFile) ([]sqlFile, error) {
	written := []sqlFile{}
	if s.output == "" {
		for _, file := range files {
			written = append(written, sqlFile{file.Name, file.Text})
		}
		return written, nil
	}
	if err := os.MkdirAll(s.output, 0o750); err != nil {
		return nil, message.ScriptNotWritten(visible.Path(s.output), systemSays(err), err)
	}
	for _, file := range files {
		path := filepath.Join(s.output, file.Name)
		if _, err := os.Lstat(path); err == nil {
			return nil, message.FileExists(visible.Path(path))
		}
		written = append(written, sqlFile{Name: path})
	}
	for i, file := range files {
		if err := create(written[i].Name, file.Text); err != nil {
			return nil, message.ScriptNotWritten(visible.Path(written[i].Name), systemSays(err), err)
		}
	}
	return written, nil
}

// create writes a new file. An existing file or link is an error.
func create(name, text string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // SQL for others to read
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
