package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/event"
)

// Build describes the executable: the JSON of `rekey version --json`.
type Build struct {
	FormatVersion int    `json:"format_version"`
	Version       string `json:"version"`
	Commit        string `json:"commit,omitempty"`
	Time          string `json:"time,omitempty"` // of the commit
	Modified      bool   `json:"modified,omitempty"`
	Go            string `json:"go"`
	OS            string `json:"os"`
	Arch          string `json:"arch"`
}

func build() Build {
	b := Build{FormatVersion: event.FormatVersion, Version: "(devel)", Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Commit = setting.Value
		case "vcs.time":
			b.Time = setting.Value
		case "vcs.modified":
			b.Modified = setting.Value == "true"
		}
	}
	return b
}

func (a *app) versionCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:     "version [flags]",
		Short:   "Show the version of rekey",
		Long:    "version shows the version of rekey, its commit, and its version of Go.",
		Example: "  rekey version\n  rekey version --json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			b := build()
			if asJSON {
				return a.document(b)
			}
			text := fmt.Sprintf("rekey %s (%s, %s/%s)\n", b.Version, b.Go, b.OS, b.Arch)
			if b.Commit != "" {
				text += fmt.Sprintf("commit %s of %s\n", b.Commit, b.Time)
			}
			_, err := fmt.Fprint(a.Stdout, text)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}
