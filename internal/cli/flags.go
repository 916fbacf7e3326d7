package cli

import (
	"maps"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// flags are the flags of all commands. Each command registers the flags that it has.
type flags struct {
	profile, prefix, schema       string
	connection                    connection
	version                       string
	lockTimeout, lockRetryTimeout time.Duration
	subscribersReady              bool
	fireTriggers                  bool
	trustOwners                   []string
	pace                          string
	batchTime                     time.Duration
	maxImpact                     ratio
	signals                       signalFlags
	phase                         phaseFlags
	way                           rekey.Direction // of the command sql, which has it as an argument
	formats                       []string        // of --format; nil for the formats of scripts
	values                        valueFlags
	schemaRun                     schemaFlags
	file                          string // of --config
	report                        string // of --report
	page                          pageFlags
	json, quiet, noColor          bool
	exitCode                      bool
	forecast                      forecastFlags
	hints                         hints
	maxPerNode                    int
}

// common registers the flags of every command that connects to a database.
func (f *flags) common(cmd *cobra.Command) {
	set := cmd.Flags()
	set.SortFlags = false
	set.StringVar(&f.profile, "profile", "", "a known application: phoenixkit")
	set.StringVar(&f.prefix, "prefix", "public", "schema of the profile's tables")
	set.StringVar(&f.schema, "schema", "", "any schema, without a profile")
	set.StringVar(&f.connection.url, "database-url", "", "else REKEY_DATABASE_URL, DATABASE_URL or PG*")
	set.StringVar(&f.connection.directURL, "direct-url", "", "the same database, not through a pooler")
	set.StringArrayVar(&f.trustOwners, "trust-owner", nil, "run code of this role as the connecting role; its functions, and the checks, indexes and triggers of its tables; repeatable")
	set.BoolVar(&f.json, "json", false, "write JSON to standard output")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "write only results and problems")
	set.BoolVar(&f.noColor, "no-color", false, "write plain lines, without colors and bars")
	for name, values := range map[string][]string{"profile": names(profiles()), "prefix": {"public"}} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

// policy registers the flags of up, down and plan.
func (f *flags) policy(cmd *cobra.Command, versions ...string) {
	set := cmd.Flags()
	set.StringVar(&f.version, "version", versions[0], "version to record: "+strings.Join(versions, " or "))
	f.changes(cmd)
	f.cluster(cmd)
	set.StringArrayVar(&f.connection.standbyURLs, "standby-url", nil, "the same database on a standby; rekey takes no lock while a query there is in its way; repeatable")
	f.signals.register(cmd)
	f.forecast.register(cmd)
	_ = cmd.RegisterFlagCompletionFunc("version", cobra.FixedCompletions(versions, cobra.ShellCompDirectiveNoFileComp))
}

// changes registers the flags of the commands that change something, or print statements that do.
func (f *flags) changes(cmd *cobra.Command) {
	set := cmd.Flags()
	set.DurationVar(&f.lockTimeout, "lock-timeout", setting.Default("lock-timeout"), "of each attempt, "+setting.Range("lock-timeout"))
	set.DurationVar(&f.lockRetryTimeout, "lock-retry-timeout", setting.Default("lock-retry-timeout"), "of all attempts together")
	set.BoolVar(&f.subscribersReady, "subscribers-ready", false, "logical subscribers have the column already")
	set.BoolVar(&f.fireTriggers, "fire-triggers", false, "fire the application's triggers on the rows that are filled")
	f.speed(cmd, " (default normal)", " (default 1.5)", " (default 50ms)")
}

// profiles returns the profiles that rekey contains.
func profiles() []rekey.Profile { return []rekey.Profile{phoenixkit.Profile()} }

func names(list []rekey.Profile) []string {
	all := make([]string, len(list))
	for i, p := range list {
		all[i] = p.Name
	}
	return all
}

// job returns the call of the library that the flags describe, or everything that is wrong with them. legal lists the
// versions that the command accepts.
func (f *flags) job(cmd *cobra.Command, legal ...string) (job, error) {
	if p := f.readFile(cmd); p != nil {
		return job{}, p
	}
	j := job{direction: rekey.Up, options: rekey.Options{
		To: rekey.Phase(f.phase.to), Arbiter: rekey.Arbiter(f.phase.arbiter), Accept: f.phase.hazards(),
		Confirm: f.phase.confirm, Soak: f.phase.soakTime(), KeepID: f.phase.keepID, RenameKeys: f.phase.renameKeys,
		Locks:    rekey.LockOptions{Timeout: f.lockTimeout, RetryTimeout: f.lockRetryTimeout},
		Backfill: rekey.BackfillOptions{Pace: rekey.Pace(f.pace), BatchTime: f.batchTime, MaxImpact: float64(f.maxImpact)},
		Throttle: f.signals.options(), Forecast: f.forecast.options(), Cluster: rekey.ClusterOptions{MaxPerNode: f.maxPerNode},
		Permissions: rekey.PermissionOptions{
			SubscribersReady: f.subscribersReady, FireTriggers: f.fireTriggers, TrustOwners: f.trustOwners,
		},
		Tables: maps.Clone(f.schemaRun.overrides),
	}}
	misread := f.values.apply(&j.options)
	var found problem.List
	for _, p := range []*problem.Problem{f.pickScope(&j), misread, f.phase.readReferences()} {
		if p != nil {
			found = append(found, p)
		}
	}
	j.schema.References = f.phase.references
	j.direction = f.direction(cmd, j.profile)
	f.hints = f.hintsOf(cmd, j.direction)
	r := f.request(cmd, f.versions(cmd, j, legal)...)
	r.Direction = string(j.direction)
	if j.profile != nil {
		r.LinkAt = j.profile.LinkAt
		for _, t := range j.profile.Tables {
			r.Tables = append(r.Tables, t.Names())
		}
	}
	found = append(found, setting.Check(r)...)
	if p := f.checkFleet(cmd); p != nil {
		found = append(found, p)
	}
	if len(found) == 0 {
		return j, nil
	}
	if f.schema != "" || f.profile != "" {
		found = hints{scope: f.names() + f.trusting()}.complete(found)
	}
	return j, found
}

// pickProfile sets the profile. Whether one is required is checked with the other settings.
func (f *flags) pickProfile(j *job) *problem.Problem {
	if f.profile == "" {
		return nil
	}
	for _, p := range profiles() {
		if p.Name == f.profile {
			j.profile = &p
			return nil
		}
	}
	return unknownProfile(f.profile, "--profile ")
}

func unknownProfile(name, before string) *problem.Problem {
	all := names(profiles())
	hint := "The profiles are " + strings.Join(all, ", ") + "."
	if near := message.Nearest(name, all); near != "" {
		hint = "Did you mean: " + before + near
	}
	return wrong("unknown_profile", "unknown profile "+visible.Quote(name), hint)
}
