package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// profileCommand shows the profiles. It connects to no server.
func (a *app) profileCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "profile list | show NAME [flags]",
		Short: "Show the profiles that rekey contains",
		Long: `profile list names the profiles that rekey contains. profile show prints the
tables of a profile, their later names, and the versions before and after up.`,
		Example: "  rekey profile list\n  rekey profile show phoenixkit",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			switch {
			case len(args) == 0:
				return []string{"list", "show"}, cobra.ShellCompDirectiveNoFileComp
			case len(args) == 1 && args[0] == "show":
				return names(profiles()), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.profile(args, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func (a *app) profile(args []string, asJSON bool) error {
	switch {
	case len(args) == 1 && args[0] == "list":
		if asJSON {
			return a.document(profileList{FormatVersion: event.FormatVersion, Profiles: names(profiles())})
		}
		_, err := fmt.Fprintln(a.Stdout, strings.Join(names(profiles()), "\n"))
		return err
	case len(args) == 2 && args[0] == "show":
		for _, p := range profiles() {
			if p.Name == args[1] {
				return a.showProfile(p, asJSON)
			}
		}
		return unknownProfile(args[1], "rekey profile show ")
	}
	return wrong("no_profile_verb", "profile requires list, or show and the name of a profile", "Try: rekey profile show "+names(profiles())[0])
}

// profileList and profileDocument are the JSON of `rekey profile`.
type profileList struct {
	FormatVersion int      `json:"format_version"`
	Profiles      []string `json:"profiles"`
}

type profileDocument struct {
	FormatVersion int            `json:"format_version"`
	Profile       string         `json:"profile"`
	VersionTable  string         `json:"version_table"` // its comment is the version
	Column        string         `json:"column"`
	From          int            `json:"from_version"`
	To            int            `json:"to_version"`
	VerifyFrom    int            `json:"verify_only_from"` // the uuids are the primary keys from this version on
	Last          int            `json:"last_version"`     // that is known
	Tables        []profileTable `json:"tables"`
}

type profileTable struct {
	Table string `json:"table"`
	Later string `json:"later,omitempty"`         // the name it gets
	Since int    `json:"later_version,omitempty"` // from this version on
}

func (a *app) showProfile(p rekey.Profile, asJSON bool) error {
	doc := profileDocument{
		FormatVersion: event.FormatVersion, Profile: p.Name, VersionTable: p.VersionTable, Column: p.Column, From: p.From, To: p.To,
		VerifyFrom: p.VerifyFrom, Last: p.Last,
	}
	var text strings.Builder
	fmt.Fprintf(&text, "profile: %s\ncolumn: %s\nindex-name: '{table}_{column}_idx'\n"+
		"# The comment on table %s is the version: up goes from %d to %d, down back again.\n"+
		"# From %d on the uuids are the primary keys, and only verified; %d is the last that is known.\ntables:\n",
		p.Name, p.Column, p.VersionTable, p.From, p.To, p.VerifyFrom, p.Last)
	for _, t := range p.Tables {
		item := profileTable{Table: t.Name}
		text.WriteString("  - " + t.Name)
		if t.Renamed != nil {
			item.Later, item.Since = t.Renamed.Name, t.Renamed.Version
			fmt.Fprintf(&text, " # %s from version %d on", item.Later, item.Since)
		}
		text.WriteString("\n")
		doc.Tables = append(doc.Tables, item)
	}
	if asJSON {
		return a.document(doc)
	}
	_, err := fmt.Fprint(a.Stdout, text.String())
	return err
}
