package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/problem"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// flags are the flags of all commands; each command registers those that it has.
type flags struct {
	profile, prefix, schema string
	connection              connection
	version                 string
	maxLock, lockPatience   time.Duration
	subscribersReady        bool
	fireTriggers            bool
	pace                    string
	batchTime               time.Duration
	signals                 signalFlags
	values                  valueFlags
	free                    freeFlags
	file                    string // of --config
	json, quiet, noColor    bool
	exitCode                bool
}

// The bounds of --max-lock: below it no lock is ever had, above it the queue behind it is felt.
const (
	leastMaxLock = time.Millisecond
	mostMaxLock  = time.Second
)

// common registers the flags that every command on a database has.
func (f *flags) common(cmd *cobra.Command) {
	set := cmd.Flags()
	set.SortFlags = false
	set.StringVar(&f.profile, "profile", "", "`name` of what is known of the tables: phoenixkit")
	set.StringVar(&f.prefix, "prefix", "public", "`schema` that the profile's tables are in")
	set.StringVar(&f.schema, "schema", "", "`schema` of a run without a profile, which takes the tables as it finds them")
	set.StringVar(&f.connection.url, "database-url", "", "the database, a `URL` or key=value pairs; else REKEY_DATABASE_URL, DATABASE_URL, PG* variables")
	set.StringVar(&f.connection.directURL, "direct-url", "", "the same database past a pooler, a `URL`")
	set.BoolVar(&f.json, "json", false, "write JSON to standard output")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "write nothing but results and problems")
	set.BoolVar(&f.noColor, "no-color", false, "plain lines, no colours and no bars")
	for name, values := range map[string][]string{"profile": names(profiles()), "prefix": {"public"}} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

// policy registers the flags of the commands that change something, or plan to.
func (f *flags) policy(cmd *cobra.Command, versions ...string) {
	set := cmd.Flags()
	set.StringVar(&f.version, "version", versions[0], "`number` to be recorded: "+strings.Join(versions, " or "))
	set.DurationVar(&f.maxLock, "max-lock", 50*time.Millisecond, "how long a lock that others queue behind is waited for, a try: 1ms to 1s")
	set.DurationVar(&f.lockPatience, "lock-patience", 40*time.Minute, "how long a lock is tried for in all")
	set.BoolVar(&f.subscribersReady, "subscribers-ready", false, "logical subscribers have the column already")
	set.BoolVar(&f.fireTriggers, "fire-triggers", false, "the application's triggers may fire on the rows that are filled")
	set.StringArrayVar(&f.connection.standbyURLs, "standby-url", nil, "the same database on a standby, a `URL`: no lock while a report there is in its way; once for each")
	f.knobs(cmd, " (default \"normal\")", " (default 50ms)")
	f.signals.register(cmd)
	_ = cmd.RegisterFlagCompletionFunc("version", cobra.FixedCompletions(versions, cobra.ShellCompDirectiveNoFileComp))
}

// profiles are those that this program knows.
func profiles() []rekey.Profile { return []rekey.Profile{phoenixkit.Profile()} }

func names(list []rekey.Profile) []string {
	all := make([]string, len(list))
	for i, p := range list {
		all[i] = p.Name
	}
	return all
}

// config makes the library's words of the flags; legal are the versions that the command takes. All
// that is wrong is told at once.
func (f *flags) config(cmd *cobra.Command, legal ...string) (rekey.Config, error) {
	if p := f.readFile(cmd); p != nil {
		return rekey.Config{}, p
	}
	config := rekey.Config{
		Prefix: f.name(), MaxLock: f.maxLock, LockPatience: f.lockPatience,
		SubscribersReady: f.subscribersReady, FireTriggers: f.fireTriggers,
		Pace: f.pace, BatchTime: f.batchTime,
	}
	f.signals.apply(&config)
	misread := f.values.apply(&config)
	var found problem.List
	note := func(p *problem.Problem) {
		if p != nil {
			found = append(found, p)
		}
	}
	note(f.pickScope(cmd, &config))
	if f.schema == "" { // else pickScope has looked at its name
		note(misnamed("prefix", f.name()))
	}
	note(misread)
	note(f.checkFleet(cmd))
	if len(legal) > 0 {
		if config.Schema == "" {
			note(f.pickVersion(cmd, legal, &config))
		}
		note(f.checkLocks())
		note(f.checkKnobs(cmd))
	}
	if len(found) > 0 {
		return config, found
	}
	return config, nil
}

func (f *flags) pickProfile(cmd *cobra.Command, config *rekey.Config) *problem.Problem {
	all := names(profiles())
	if f.profile == "" {
		return wrong("no_profile", "neither --profile nor --schema is there",
			"Try: "+cmd.CommandPath()+" --profile "+all[0]+" --prefix public; or for any other schema: "+cmd.CommandPath()+" --schema public")
	}
	for _, p := range profiles() {
		if p.Name == f.profile {
			config.Profile = p
			return nil
		}
	}
	return unknownProfile(f.profile, "--profile ")
}

func unknownProfile(name, before string) *problem.Problem {
	all := names(profiles())
	hint := "The profiles are: " + strings.Join(all, ", ")
	if near := problem.Nearest(name, all); near != "" {
		hint = "Did you mean: " + before + near
	}
	return wrong("unknown_profile", "there is no profile "+visible.Word(name), hint)
}

// misnamed refuses what cannot be the name of a schema.
func misnamed(word, name string) *problem.Problem {
	switch {
	case name == "":
		return wrong("bad_"+word, "--"+word+" is empty", "Name the schema of the tables: --"+word+" public")
	case !sqltext.Fits(name):
		p := wrong("bad_"+word, fmt.Sprintf("--%s has %d bytes", word, len(name)), "Is it the name of the schema?")
		p.Detail = fmt.Sprintf("PostgreSQL's names have at most %d, and no zero byte.", sqltext.MaxIdentifier)
		return p
	}
	return nil
}

func (f *flags) pickVersion(cmd *cobra.Command, legal []string, config *rekey.Config) *problem.Problem {
	for _, version := range legal {
		if f.version == version {
			config.Version, _ = strconv.Atoi(version)
			return nil
		}
	}
	hint := fmt.Sprintf("%s takes --version %s.", cmd.CommandPath(), strings.Join(legal, " or "))
	return wrong("bad_version", fmt.Sprintf("%s cannot go to version %s", cmd.CommandPath(), visible.Word(f.version)), hint)
}

func (f *flags) checkLocks() *problem.Problem {
	switch {
	case f.maxLock < leastMaxLock || f.maxLock > mostMaxLock:
		return wrong("bad_max_lock", fmt.Sprintf("--max-lock cannot be %s", f.maxLock), "It goes from 1ms to 1s; others queue behind for as long.")
	case f.lockPatience <= 0:
		return wrong("bad_lock_patience", fmt.Sprintf("--lock-patience cannot be %s", f.lockPatience), "Write a duration with its unit: 40m, 2h.")
	}
	return nil
}
