package rekey

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/problem"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Words are what a table of a run without a profile is to get, where that is something else than the
// others get.
type Words struct {
	Column    string // "" is the Config's
	IndexName string // "" is the Config's
}

// free reports whether the run goes without a profile.
func (c Config) free() bool { return c.Schema != "" && c.Profile.Name == "" }

// checkScope wants a profile or a schema, and words that belong to it.
func (c Config) checkScope() error {
	switch named := c.Profile.Name != "" || c.Profile.VersionTable != ""; {
	case named && c.Schema != "":
		return usage("schema_and_profile", "a run has a profile and a prefix, or a schema", "With a profile the tables' schema is its prefix.")
	case named && (len(c.Tables)+len(c.Exclude)+len(c.Own) > 0 || c.Column+c.IndexName != "" || c.SkipRefused || c.Back):
		return usage("words_without_schema", "a profile names its tables, columns and indexes itself", "These words belong to a run without a profile: --schema app")
	case named:
		return nil
	case c.Schema == "":
		return usage("no_profile", "neither a profile nor a schema is named", "Name the schema of the tables, or a profile: --schema app, --profile phoenixkit")
	case c.Prefix != "" || c.Version != 0:
		return usage("schema_and_profile", "prefix and version belong to a profile", "Without one the tables' schema is all there is: --schema app")
	}
	return nil
}

// ask makes the plan's words of the Config's; nil where there is a profile.
func (c Config) ask() (*plan.Ask, error) {
	if err := c.checkScope(); err != nil || !c.free() {
		return nil, err
	}
	var found problem.List
	note := func(p *problem.Problem) {
		if p != nil {
			found = append(found, p)
		}
	}
	ask := plan.Ask{Words: plan.Words{Column: c.Column, Index: c.IndexName}, Own: map[string]plan.Words{}}
	for _, list := range []struct {
		word string
		from []string
		to   *[]discover.Pattern
	}{{"tables", c.Tables, &ask.Selection.Tables}, {"exclude", c.Exclude, &ask.Selection.Exclude}} {
		var p *problem.Problem
		*list.to, p = patterns(list.word, list.from)
		note(p)
	}
	note(checkName("schema", c.Schema))
	note(checkWords(Words{c.Column, c.IndexName}))
	for table, own := range c.Own {
		note(checkWords(own))
		ask.Own[table] = plan.Words{Column: own.Column, Index: own.IndexName}
	}
	if c.IndexName != "" && !strings.Contains(c.IndexName, "{table}") {
		note(usage("bad_index_name", "the pattern of the indexes' names lacks {table}", "Every index of a schema has its own name: --index-name '{table}_{column}_key'"))
	}
	if len(found) > 0 {
		return nil, found
	}
	return &ask, nil
}

func patterns(word string, texts []string) ([]discover.Pattern, *problem.Problem) {
	var list []discover.Pattern
	for _, text := range texts {
		p, err := discover.ParsePattern(text)
		if err != nil {
			return nil, usage("bad_pattern", fmt.Sprintf("--%s: %s", word, err), "* and ? match, and a backslash takes that meaning from them.")
		}
		list = append(list, p)
	}
	if twice := discover.Twice(list); len(twice) > 0 {
		p := usage("table_twice", fmt.Sprintf("--%s names %s twice", word, strings.Join(twice, ", ")), "Say each once. Was another table meant?")
		p.Detail = "They are: " + strings.Join(texts, ", ") + "."
		return nil, p
	}
	return list, nil
}

// checkWords looks at what can be wrong without looking at a table.
func checkWords(w Words) *problem.Problem {
	if p := checkName("column", w.Column); p != nil {
		return p
	}
	rest := strings.NewReplacer("{table}", "", "{column}", "").Replace(w.IndexName)
	if strings.ContainsAny(rest, "{}") || strings.ContainsRune(rest, 0) {
		return usage("bad_index_name", fmt.Sprintf("the index name %q has other braces than {table} and {column}", w.IndexName),
			"Write it like this: --index-name '{table}_{column}_idx'")
	}
	return nil
}

func checkName(word, name string) *problem.Problem {
	if name == "" || sqltext.Fits(name) {
		return nil
	}
	p := usage("bad_"+word, fmt.Sprintf("--%s has %d bytes", word, len(name)), "Give it a shorter name.")
	p.Detail = fmt.Sprintf("PostgreSQL's names have at most %d, and no zero byte.", sqltext.MaxIdentifier)
	return p
}

func usage(code, message, hint string) *problem.Problem {
	return &problem.Problem{Kind: problem.Usage, Code: code, Message: message, Hint: hint}
}

// SplitPatterns gives the patterns of a text in which commas stand between them; a comma behind a
// backslash belongs to the name.
func SplitPatterns(text string) []string { return discover.Split(text) }
