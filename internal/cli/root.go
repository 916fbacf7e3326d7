package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// root builds the tree of commands. A new command is one more line here.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "rekey",
		Short: "UUIDv7 keys for the tables of a live PostgreSQL database",
		Long: `rekey gives the tables of a live PostgreSQL database UUIDv7 columns beside their
integer keys: online, in short steps, without rewriting a table, and back again.
It is about primary keys, not encryption keys.`,
		Example: `  rekey plan   --profile phoenixkit --prefix public --version 40
  rekey up     --profile phoenixkit --prefix public --version 40
  rekey verify --profile phoenixkit --prefix public
  rekey down   --profile phoenixkit --prefix public --version 39`,
		Version: build().Version,
		Args:    noWords,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	a.prepare(root)
	root.SetVersionTemplate("rekey {{.Version}}\n")
	root.AddCommand(a.planCommand(), a.upCommand(), a.downCommand(), a.statusCommand(), a.verifyCommand(),
		a.sqlCommand(), a.demoCommand(), a.versionCommand(), a.completionCommand())
	root.AddCommand(a.initCommand(), a.profileCommand())
	root.AddCommand(a.requestCommands()...)
	return root
}

// prepare connects a program's first command to the process, and makes it report and help as rekey does.
func (a *app) prepare(root *cobra.Command) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetFlagErrorFunc(badFlag)
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(currentName(name))
	})
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), help(cmd)) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { _, err := fmt.Fprint(cmd.OutOrStderr(), help(cmd)); return err })
}

// currentName returns today's name of a setting that had another name once; both are accepted.
func currentName(name string) string {
	switch name {
	case "max-lock":
		return "lock-timeout"
	case "lock-patience":
		return "lock-retry-timeout"
	case "own":
		return "overrides"
	}
	return name
}

// helpWidth is the width of flags in help texts; the flag parser puts a short default behind it, and
// the terminal has 80 columns.
const helpWidth = 70

// help writes a command's help. cobra's own templates are shared by the whole process and as wide as
// the longest flag.
func help(cmd *cobra.Command) string {
	text := cmd.Long + "\n\nUsage:\n  " + cmd.UseLine() + "\n"
	if cmd.HasAvailableSubCommands() {
		text = cmd.Long + "\n\nUsage:\n  " + cmd.CommandPath() + " COMMAND [flags]\n\nCommands:\n"
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				text += fmt.Sprintf("  %-11s %s\n", c.Name(), c.Short)
			}
		}
	}
	if cmd.Example != "" {
		text += "\nExamples:\n" + cmd.Example + "\n"
	}
	if cmd.HasAvailableLocalFlags() {
		text += "\nFlags:\n" + cmd.LocalFlags().FlagUsagesWrapped(helpWidth)
	}
	if cmd.HasAvailableSubCommands() {
		text += "\nMore about a command: " + cmd.CommandPath() + " COMMAND --help\n"
	}
	return text
}
