package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// phaseFlags are the flags about phases and edges.
type phaseFlags struct {
	to, arbiter    string
	accept         []string
	confirm        string
	soak           time.Duration
	keepID         bool
	renameKeys     bool
	parents, words []string          // words are the values of --reference
	references     []rekey.Reference // read from words
}

// The phases that commands go to, for their help.
const (
	phasesUp   = "expanded (default), linked, switched, contracted"
	phasesDown = "integers (default), expanded, linked"
	phasesBoth = "integers to contracted (default expanded)"
)

// register adds the flag of the commands that go to a phase.
func (p *phaseFlags) register(cmd *cobra.Command, phases string) {
	cmd.Flags().StringVar(&p.to, "to", "", phases)
	_ = cmd.RegisterFlagCompletionFunc("to", cobra.FixedCompletions(setting.Choices("to"), cobra.ShellCompDirectiveNoFileComp))
}

// both adds the flags of the commands that show a run of either direction: which phase, references and values it has. does is what
// the command does with the way down.
func (f *flags) both(cmd *cobra.Command, does string) {
	f.phase.register(cmd, phasesBoth)
	f.phase.registerEdges(cmd)
	f.phase.registerArbiter(cmd)
	f.phase.registerAccept(cmd)
	f.phase.registerContract(cmd)
	f.values.register(cmd)
	cmd.Flags().BoolVar(&f.schemaRun.down, "down", false, "with --schema: "+does+" the way down")
}

// registerArbiter adds the flag of the commands that build indexes.
func (p *phaseFlags) registerArbiter(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.arbiter, "arbiter", "", "unique indexes that ON CONFLICT may name when linked (default integer); uuid: the twins in their place; both: the twins too, and applications must retry")
	_ = cmd.RegisterFlagCompletionFunc("arbiter", cobra.FixedCompletions(setting.Choices("arbiter"), cobra.ShellCompDirectiveNoFileComp))
}

// registerAccept adds the flag of the commands that switch primary keys.
func (p *phaseFlags) registerAccept(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&p.accept, "accept", nil, "hazards that the application tolerates, by the names in the plan")
	_ = cmd.RegisterFlagCompletionFunc("accept", cobra.FixedCompletions(setting.Choices("accept"), cobra.ShellCompDirectiveNoFileComp))
}

// registerContract adds the flags of the commands that end the integers.
func (p *phaseFlags) registerContract(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&p.soak, "soak", setting.Default("soak"), "time since the switch before the integers end, "+setting.Range("soak"))
	cmd.Flags().BoolVar(&p.renameKeys, "rename-keys", false, "after contract, give the uuid columns the names of the integers")
	cmd.Flags().BoolVar(&p.keepID, "keep-id", false, "keep the integer columns of the primary keys when the references end")
}

// soakTime returns the time for the library, where 0 is the default.
func (p *phaseFlags) soakTime() time.Duration {
	if p.soak == 0 {
		return rekey.NoSoak
	}
	return p.soak
}

// hazards returns the hazards that are accepted.
func (p *phaseFlags) hazards() []rekey.HazardName {
	var names []rekey.HazardName
	for _, name := range p.accept {
		names = append(names, rekey.HazardName(name))
	}
	return names
}

// registerEdges adds the flags that say which edges there are.
func (p *phaseFlags) registerEdges(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&p.parents, "parents", nil, "another schema whose tables may be referred to; repeatable")
	cmd.Flags().StringArrayVar(&p.words, "reference", nil, "link a column that has no foreign key; repeatable")
	for _, name := range []string{"parents", "reference"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
}

// readReferences reads the values of --reference. The column is after the last dot of the left side.
func (p *phaseFlags) readReferences() *problem.Problem {
	p.references = nil
	for _, word := range p.words {
		left, parent, equals := strings.Cut(word, "=")
		dot := strings.LastIndex(left, ".")
		if !equals || dot <= 0 || dot == len(left)-1 || parent == "" {
			if visible.Secret(word) {
				word = "this value" // a connection string has no place here, and may contain a password
			} else {
				word = visible.Quote(word)
			}
			return wrong("bad_reference", "--reference cannot be "+word, "Write TABLE.COLUMN=PARENT, such as --reference orders.user_id=users.")
		}
		p.references = append(p.references, rekey.Reference{Table: left[:dot], Column: left[dot+1:], Parent: parent})
	}
	return nil
}

// direction returns the way of a command. plan goes down with --down, to phase integers, and to a profile's former version.
func (f *flags) direction(cmd *cobra.Command, profile *rekey.Profile) rekey.Direction {
	plans := cmd.Name() == "plan"
	former := profile != nil && plans && f.version == strconv.Itoa(profile.From)
	if cmd.Name() == "down" || f.way == rekey.Down || f.schemaRun.down || former || plans && f.phase.to == string(rekey.Integers) {
		return rekey.Down
	}
	return rekey.Up
}

// versions returns the versions that a command accepts for a phase. Only phase integers has the profile's former version.
func (f *flags) versions(cmd *cobra.Command, j job, legal []string) []string {
	if f.phase.to == "" || j.profile == nil || len(legal) == 0 {
		return legal
	}
	version := strconv.Itoa(j.profile.To)
	if f.phase.to == string(rekey.Integers) {
		version = strconv.Itoa(j.profile.From)
	}
	if !cmd.Flags().Changed("version") {
		f.version = version
	}
	return []string{version}
}
