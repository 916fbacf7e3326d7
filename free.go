package rekey

import (
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/plan"
)

// Words are what a table of a run without a profile is to get, where that is something else than the
// others get.
type Words struct {
	Column    string // "" is the Config's
	IndexName string // "" is the Config's
}

// free reports whether the run goes without a profile.
func (c Config) free() bool { return c.Schema != "" && c.Profile.Name == "" }

// ask makes the plan's words of the Config's; nil where there is a profile.
func (c Config) ask() (*plan.Selection, error) {
	if !c.free() {
		return nil, nil //nolint:nilnil // a profile says it all
	}
	ask := plan.Selection{Naming: plan.Naming{Column: c.Column, Index: c.IndexName}, Overrides: map[string]plan.Naming{}}
	var err error
	if ask.Filter.Tables, err = patterns(c.Tables); err != nil {
		return nil, err
	}
	if ask.Filter.Exclude, err = patterns(c.Exclude); err != nil {
		return nil, err
	}
	for table, own := range c.Own {
		ask.Overrides[table] = plan.Naming{Column: own.Column, Index: own.IndexName}
	}
	return &ask, nil
}

func patterns(texts []string) (list []discover.Pattern, err error) {
	for _, text := range texts {
		p, err := discover.ParsePattern(text)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// SplitPatterns gives the patterns of a text in which commas stand between them; a comma behind a
// backslash belongs to the name.
func SplitPatterns(text string) []string { return discover.Split(text) }
