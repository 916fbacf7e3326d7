package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// root returns the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "rekey",
		Short: "UUIDv7 keys for the tables of a live PostgreSQL database",
		Long: `rekey takes the tables of a live PostgreSQL database from integer keys to
UUIDv7, online and in phases: a uuid column on every table (expanded), a uuid
foreign key next to every integer one (linked), the uuids as primary keys
(switched), the end of the integers (contracted). It rewrites no table; until
they end, down undoes it. It is about primary keys, not encryption keys.`,
		Example: `  rekey plan   --profile phoenixkit --prefix public --version 40
  rekey up     --profile phoenixkit --prefix public --version 40
  rekey verify --profile phoenixkit --prefix public
  rekey down   --profile phoenixkit --prefix public --version 39
  rekey up     --schema app --to linked`,
		Version: build().Version,
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("rekey {{.Version}}\n")
	root.AddCommand(a.planCommand(), a.explainCommand(), a.doctorCommand(), a.rehearseCommand(), a.upCommand(), a.downCommand(), a.statusCommand(), a.verifyCommand(), a.reportCommand(),
		a.sqlCommand(), a.demoCommand(), a.versionCommand(), a.completionCommand())
	root.AddCommand(a.initCommand(), a.profileCommand(), a.serveCommand())
	root.AddCommand(a.requestCommands()...)
	a.prepare(root)
	return root
}

// prepare connects a program's root command to the process and gives it and its subcommands rekey's help.
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
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { _ = writeHelp(cmd.OutOrStdout(), cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { return writeHelp(cmd.OutOrStderr(), cmd) })
	addHelp(root)
}
