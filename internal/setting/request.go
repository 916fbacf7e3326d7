package setting

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/script"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/throttle"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// Request is the settings of a call, by the names of their flags. A setting that is missing has its default.
type Request struct {
	Style   Style
	Command string // as messages name it: "rekey plan", "Up"

	Numbers   map[string]int64    // durations in nanoseconds
	Texts     map[string][]string // lists of texts; a single setting has one
	Overrides map[string]Names    // by table
	Sources   map[string]string   // --time-source TABLE=SOURCE
	Columns   map[string]string   // --time-column TABLE=COLUMN

	References []Reference // --reference TABLE.COLUMN=PARENT
	Nodes      []string    // HOST:PORT of --node-url HOST:PORT=URL, "" without a =

	Direction string     // "up" or "down"; "" if the call has none
	LinkAt    int        // the version at which the profile can be linked; 0 for never, or without a profile
	Tables    [][]string // the names of each table of the profile; nil without a profile
	Versions  []int      // the versions that the command accepts; empty if it has none
	Formats   []string   // the formats that the command accepts; nil for the formats of scripts
	NoScope   bool       // the command needs neither a profile nor a schema
}

// Names are the names of the column and the index that a table gets.
type Names struct{ Column, IndexName string }

// Check returns everything that is wrong with a request.
func Check(r Request) problem.List {
	c := checker{Request: r}
	c.checkScope()
	c.checkNames()
	c.checkPatterns()
	c.checkChoices()
	c.checkPhase()
	c.checkReferences()
	c.checkVersion()
	c.checkNumbers()
	c.checkSignals()
	c.checkValues()
	c.checkNodes()
	return c.found
}

type checker struct {
	Request
	found problem.List
}

func (c *checker) given(flag string) bool { return len(c.Texts[flag]) > 0 }

func (c *checker) text(flag string) string {
	if !c.given(flag) {
		return ""
	}
	return c.Texts[flag][0]
}

func (c *checker) add(code, text, hint string) { c.addDetail(code, text, "", hint) }

// addDetail is add with a detail.
func (c *checker) addDetail(code, text, detail, hint string) {
	c.found = append(c.found, &problem.Problem{Kind: problem.Usage, Code: code, Message: text, Detail: detail, Hint: hint})
}

// example returns a setting with its value, after the command if there is one.
func (c *checker) example(flag, value string) string {
	if c.Style == Flags && c.Command != "" {
		return c.Command + " " + c.Style.with(flag, value)
	}
	return c.Style.with(flag, value)
}

// SchemaOnly returns the settings that only a schema run has.
func SchemaOnly() []string {
	return []string{"tables", "exclude", "column", "index-name", "skip-refused", "down", "overrides", "parents", "reference"}
}

// checkScope requires a profile or a schema, and only settings that belong to it.
func (c *checker) checkScope() {
	schema, prof := c.given("schema"), c.given("profile")
	switch {
	case schema && (prof || c.given("prefix")):
		c.add("schema_and_profile", fmt.Sprintf("%s cannot be combined with %s or %s", c.Style.name("schema"), c.Style.name("profile"), c.Style.name("prefix")),
			fmt.Sprintf("With a profile name the schema with %s. Without a profile use only: %s", c.Style.name("prefix"), c.Style.with("schema", "app")))
	case schema && c.given("version"):
		c.add("version_without_profile", c.Style.name("version")+" requires a profile", "Without a profile no version is recorded. Omit the setting.")
	case schema:
	case !schema && c.schemaRunSetting():
	case !prof && !c.NoScope:
		c.add("no_scope", fmt.Sprintf("one of %s and %s is required", c.Style.name("profile"), c.Style.name("schema")),
			fmt.Sprintf("For PhoenixKit: %s. For any other schema: %s", c.example("profile", "phoenixkit"), c.example("schema", "public")))
	}
}

// schemaRunSetting refuses a setting of a schema run without a schema, and reports whether there is one.
func (c *checker) schemaRunSetting() bool {
	for _, flag := range SchemaOnly() {
		if c.given(flag) && (flag != "down" || !c.given("to")) { // a profile's way down to a phase needs it
			c.add("selection_without_schema", c.Style.name(flag)+" cannot be combined with a profile",
				"A profile defines its tables, columns and indexes. Without a profile name the schema: "+c.Style.with("schema", "public"))
			return true
		}
	}
	return false
}

func (c *checker) checkNames() {
	for _, flag := range []string{"schema", "prefix"} {
		if c.given(flag) {
			c.schemaName(flag, c.text(flag))
		}
	}
	c.name("column", c.text("column"))
	c.name("confirm", c.text("confirm"))
	c.indexName(c.text("index-name"))
	if text := c.text("index-name"); text != "" && !strings.Contains(text, "{table}") {
		c.add("bad_index_name", c.Style.name("index-name")+" lacks {table}", "Index names are unique in a schema. Try: "+c.Style.with("index-name", "'{table}_{column}_key'"))
	}
	for _, table := range slices.Sorted(maps.Keys(c.Overrides)) {
		c.tableName("overrides", table)
		c.name("column", c.Overrides[table].Column)
		c.indexName(c.Overrides[table].IndexName)
	}
	for _, owner := range c.Texts["trust-owner"] {
		switch {
		case visible.Secret(owner):
			c.secret("trust-owner")
		case owner == "" || !sqltext.FitsIdentifier(owner):
			c.add("bad_trust_owner", c.Style.name("trust-owner")+" is not a valid role name", "Name the role that owns the tables: "+c.Style.with("trust-owner", "app_owner"))
		}
	}
	for _, flag := range []string{"throttle-file", "time-zone", "config", "output"} {
		if text := c.text(flag); visible.Secret(text) || strings.ContainsRune(text, 0) {
			c.secret(flag)
		}
	}
}

func (c *checker) schemaName(flag, text string) {
	name := text
	if exact, one := Exact(text); one {
		name = exact
	}
	if name == "" {
		c.add("bad_"+flag, c.Style.name(flag)+" is empty", "Name the schema of the tables: "+c.Style.with(flag, "public"))
		return
	}
	c.name(flag, name)
}

// Exact returns the name that a pattern without wildcards matches.
func Exact(text string) (string, bool) {
	p, err := discover.ParsePattern(text)
	if err != nil {
		return text, true
	}
	return p.Exact()
}

// name refuses a text that cannot be a name. An empty one is a missing setting.
func (c *checker) name(flag, name string) {
	switch {
	case name == "":
	case visible.Secret(name):
		c.secret(flag)
	case !sqltext.FitsIdentifier(name):
		c.addDetail("bad_"+strings.ReplaceAll(flag, "-", "_"), fmt.Sprintf("%s has %d bytes", c.Style.name(flag), len(name)), nameLimit(), "Choose a shorter name.")
	}
}

func (c *checker) secret(flag string) {
	c.addDetail("bad_"+strings.ReplaceAll(flag, "-", "_"), c.Style.name(flag)+" cannot have this value", "The value looks like a connection string. It is not repeated here, since it may contain a password.", "Pass a connection string in --database-url or DATABASE_URL.")
}

// tableName refuses a text that cannot be the name of a table.
func (c *checker) tableName(flag, name string) {
	if name == "" {
		c.add("bad_"+strings.ReplaceAll(flag, "-", "_"), c.Style.name(flag)+" has an empty table name", "Name the table without its schema.")
		return
	}
	c.name(flag, name)
}

func (c *checker) indexName(text string) {
	rest := strings.NewReplacer("{table}", "", "{column}", "").Replace(text)
	switch {
	case visible.Secret(text):
		c.secret("index-name")
	case strings.ContainsAny(rest, "{}") || strings.ContainsRune(rest, 0):
		c.add("bad_index_name", fmt.Sprintf("the index name %s has braces other than {table} and {column}", visible.Quote(text)),
			"Try: "+c.Style.with("index-name", "'{table}_{column}_idx'"))
	case len(rest) > sqltext.MaxIdentifier:
		c.add("bad_index_name", fmt.Sprintf("%s has %d bytes in addition to {table} and {column}", c.Style.name("index-name"), len(rest)), nameLimit())
	}
}

func (c *checker) checkPatterns() {
	for _, flag := range []string{"tables", "exclude"} {
		c.patternList(flag, c.Texts[flag])
	}
}

func (c *checker) patternList(flag string, texts []string) {
	var list []discover.Pattern
	for _, text := range texts {
		p, err := discover.ParsePattern(text)
		switch {
		case visible.Secret(text):
			c.secret(flag)
			return
		case text == "":
			c.add("bad_pattern", c.Style.name(flag)+" has an empty pattern", "Name a table, or use * for all tables.")
			return
		case err != nil:
			c.add("bad_pattern", fmt.Sprintf("%s: pattern %s ends with a single backslash", c.Style.name(flag), visible.Quote(text)), `Wildcards are * and ?, and \* matches a star.`)
			return
		}
		list = append(list, p)
	}
	if duplicates := discover.Duplicates(list); len(duplicates) > 0 {
		c.addDetail("duplicate_pattern", fmt.Sprintf("%s names %s more than once", c.Style.name(flag), visible.Truncate(visible.Line(strings.Join(duplicates, ", ")), maxListed)), "The patterns are: "+visible.Truncate(visible.Line(strings.Join(texts, ", ")), maxListed)+".", "Name each table or pattern once.")
	}
}

// maxListed is how many characters of a list a message shows.
const maxListed = 300

// choices returns the settings that accept only certain values.
func choices() map[string]struct {
	code, what string
	words      []string
} {
	return map[string]struct {
		code, what string
		words      []string
	}{
		"pace":     {"bad_pace", "pace", []string{string(pace.Gentle), string(pace.Normal), string(pace.Full)}},
		"format":   {"unknown_format", "format", []string{string(script.Psql), string(script.Migrate), string(script.Goose), string(script.Ecto)}},
		"on-error": {"bad_on_error", "policy", []string{"stop", "continue"}},
		"to":       {"unknown_phase", "phase", []string{string(plan.Integers), string(plan.Expanded), string(plan.Linked), string(plan.Switched), string(plan.Contracted)}},
		"accept":   {"unknown_hazard", "hazard", plan.HazardNames()},
		"arbiter":  {"unknown_arbiter", "arbiter", []string{string(plan.ArbiterInteger), string(plan.ArbiterUUID), string(plan.ArbiterBoth)}},
	}
}

// Choices returns the values that a setting accepts.
func Choices(flag string) []string { return choices()[flag].words }

// Signals returns the names of all signals.
func Signals() []string { return throttle.Names() }

func (c *checker) checkChoices() {
	for _, flag := range slices.Sorted(maps.Keys(choices())) {
		choice := choices()[flag]
		if flag == "format" && c.Formats != nil {
			choice.words = c.Formats
		}
		for _, word := range c.Texts[flag] {
			if slices.Contains(choice.words, word) {
				continue
			}
			hint := "Use " + strings.Join(choice.words[:len(choice.words)-1], ", ") + " or " + choice.words[len(choice.words)-1] + "."
			if near := message.Nearest(word, choice.words); near != "" && word != "" {
				hint = "Did you mean: " + c.Style.with(flag, near)
			}
			c.add(choice.code, fmt.Sprintf("%s: unknown %s %s", c.Style.name(flag), choice.what, visible.Quote(word)), hint)
		}
	}
	if c.Numbers["max-failures"] > 0 && c.text("on-error") == "stop" {
		c.add("bad_max_failures", c.Style.name("max-failures")+" requires "+c.Style.with("on-error", "continue"), "With "+c.Style.with("on-error", "stop")+" the command ends at the first failure.")
	}
}

func (c *checker) checkVersion() {
	if c.given("schema") || !c.given("profile") || len(c.Versions) == 0 {
		return
	}
	version, err := strconv.Atoi(c.text("version"))
	if err == nil && slices.Contains(c.Versions, version) {
		return
	}
	var accepted []string
	for _, v := range c.Versions {
		accepted = append(accepted, strconv.Itoa(v))
	}
	hint := "Use " + c.Style.with("version", strings.Join(accepted, " or ")) + "."
	if c.given("to") {
		hint = "With " + c.Style.with("to", c.text("to")) + " it is " + strings.Join(accepted, " or ") + "; omit the setting."
	}
	c.add("bad_version", fmt.Sprintf("%s cannot migrate to version %s", c.Command, visible.Quote(c.text("version"))), hint)
}

func (c *checker) checkNumbers() {
	for _, b := range bounds() {
		n, given := c.Numbers[b.flag]
		if !given || n >= b.least && n <= b.most || b.unit == ratio && n == NoLimit {
			continue
		}
		hint := "Valid values are " + b.rangeText() + "."
		if b.why != "" {
			hint += " " + b.why
		}
		if b.signal != "" {
			hint += " To ignore the signal: " + c.Style.with("without-signal", b.signal)
		}
		c.add(b.code, fmt.Sprintf("%s cannot be %s", c.Style.name(b.flag), b.format(n)), hint)
	}
}

func (c *checker) checkSignals() {
	for _, name := range c.Texts["without-signal"] {
		if !slices.Contains(throttle.Names(), name) {
			hint := "The signals are " + strings.Join(throttle.Names(), ", ") + "."
			if near := message.Nearest(name, throttle.Names()); near != "" {
				hint = "Did you mean: " + c.Style.with("without-signal", near)
			}
			c.add("unknown_signal", fmt.Sprintf("%s: unknown signal %s", c.Style.name("without-signal"), visible.Quote(name)), hint)
		}
	}
	if sql := c.text("throttle-query"); sql != "" {
		if why := sqltext.CheckQuery(sql); why != "" {
			c.addDetail("bad_throttle_query", c.Style.name("throttle-query")+" is not a single query", "The query was not executed: "+why+".", "Write one SELECT of one column, boolean or text. Qualify names with their schema.")
		}
	}
}

func nameLimit() string {
	return fmt.Sprintf("A name in PostgreSQL has at most %d bytes and no zero byte.", sqltext.MaxIdentifier)
}
