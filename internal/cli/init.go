package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/visible"
)

func (a *app) initCommand() *cobra.Command {
	f := &flags{}
	output := ""
	cmd := &cobra.Command{
		Use:   "init --schema NAME [flags]",
		Short: "Write a rekey.yaml for a schema",
		Long: `init writes a file with the tables of a schema, and with those that are refused
or skipped and the reasons, and the columns that may be references without a
foreign key. Edit it, then run: rekey plan --config rekey.yaml.
It changes nothing in the database and overwrites no file.`,
		Example: `  rekey init --schema app
  rekey init --schema app --output - | less`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			j, err := f.job(cmd)
			if err != nil {
				return err
			}
			if j.profile != nil {
				return wrong("no_schema", "init writes settings of a schema, not of a profile", "Profiles are part of the program. Run: rekey profile show "+f.profile)
			}
			return a.read(cmd.Context(), j, f, func(ctx context.Context, pool *pgxpool.Pool, j job, _ *flags) error {
				return a.writeFile(ctx, pool, j, output)
			})
		},
	}
	f.common(cmd)
	f.schemaRun.selection(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "rekey.yaml", "the new file; - is standard output")
	return cmd
}

func (a *app) writeFile(ctx context.Context, pool *pgxpool.Pool, j job, output string) error {
	j.options.To = rekey.Linked // the plan to it has the references
	plan, err := a.library.plan(ctx, pool, j)
	if err != nil {
		return err
	}
	if plan.Relations == nil {
		return plan.Refusals // the schema does not exist
	}
	text := fileText(plan, j)
	if output == "-" {
		_, err := fmt.Fprint(a.Stdout, text)
		return err
	}
	file, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the person names the file
	switch {
	case errors.Is(err, fs.ErrExist):
		return message.FileExists(visible.Path(output))
	case err != nil:
		return message.FileNotWritten(visible.Path(output), systemSays(err))
	}
	if _, err := file.WriteString(text); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	fmt.Fprintf(a.Stderr, "%s is written; review it, then run: rekey plan --config %s\n", visible.Path(output), visible.Word(output))
	return nil
}

// fileText returns the file that init writes.
func fileText(plan rekey.Plan, j job) string {
	var text strings.Builder
	fmt.Fprintf(&text, `# Settings of rekey for schema %s of database %s. Use them: rekey plan --config FILE
# Each setting is a flag; a flag on the command line overrides it.
schema: %s

# What each table gets.
column: %s
index-name: %s

# Only these tables. Patterns are allowed: * and ? match, \* is a star. Without this setting: all tables
# that belong to the application.
tables:
`, oneLine(plan.Schema), oneLine(plan.Database), scalar(plan.Schema), scalar(either(j.schema.Column, "uuid")), scalar(either(j.schema.IndexName, "{table}_{column}_idx")))
	named := 0
	for _, v := range plan.Relations {
		if v.Why == "" {
			named++
			fmt.Fprintf(&text, "  - %s # %s\n", scalar(literal(v.Table)), v.State)
		}
	}
	if named == 0 {
		text.WriteString("  [] # no table can get a column now\n")
	}
	for _, v := range plan.Relations {
		if v.Why != "" {
			fmt.Fprintf(&text, "  # - %s # %s: %s\n", scalar(literal(v.Table)), v.State, oneLine(v.Why))
		}
	}
	text.WriteString(referenceText(plan))
	text.WriteString(`
# Overrides for single tables.
# overrides:
#   orders:
#     column: public_id
#     index-name: orders_public_id_key

# More settings: rekey up --help-all
# pace: normal
# lock-timeout: ` + setting.Default("lock-timeout").String() + `
# skip-refused: false
`)
	return text.String()
}

// referenceText returns the part about references without a foreign key.
func referenceText(plan rekey.Plan) string {
	var text strings.Builder
	if len(plan.Candidates) > 0 {
		text.WriteString("\n# Columns that may refer to a table without a foreign key. rekey up --to linked takes the ones without a #.\n# reference:\n")
	}
	for _, c := range plan.Candidates {
		fmt.Fprintf(&text, "#   - %s # %s\n", scalar(c.Table+"."+c.Column+"="+c.Parent), oneLine(c.Why))
	}
	if len(plan.Unsupported) > 0 {
		text.WriteString("\n# References that rekey never takes, and that keep their integers:\n")
	}
	for _, u := range plan.Unsupported {
		fmt.Fprintf(&text, "#   %s # %s: %s\n", scalar(u.Table+"."+u.Column), u.Kind, oneLine(u.Why))
	}
	return text.String()
}

// literal returns the pattern that matches only the name.
func literal(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`).Replace(name)
}

// scalar returns a value on one line of YAML.
func scalar(value string) string {
	var node yaml.Node
	node.SetString(value)
	if !visible.Safe(value) {
		node.Style = yaml.DoubleQuotedStyle
	}
	text, err := yaml.Marshal(&node)
	if err != nil {
		return fmt.Sprintf("%q", value)
	}
	return visible.Text(strings.TrimSuffix(string(text), "\n")) // YAML has the same escapes
}

func oneLine(text string) string { return visible.Line(strings.Join(strings.Fields(text), " ")) }

func either(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
