package cli

import (
	"github.com/spf13/cobra"
)

// demoCommand says where the demo is. It is a program of its own, so that rekey contains no server, no downloader and
// no test database.
func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:                "demo",
		Short:              "How to run the demo, which is a program of its own",
		Long:               "demo reports how to run the demo, which is a program of its own.",
		Example:            "  go run github.com/rekey-pg/rekey/cmd/rekey-demo@latest",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return wrong("demo_moved", "the demo is a program of its own: rekey-demo",
				"Run: go run github.com/rekey-pg/rekey/cmd/rekey-demo@latest, or make demo in a clone.")
		},
	}
}
