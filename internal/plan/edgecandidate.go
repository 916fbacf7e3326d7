package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Candidate is a column that may refer to another table without a foreign key. It becomes an edge only if the user names it.
type Candidate struct {
	Reference
	Evidence []string // why it may be a reference, in words
	Overlap  *Overlap // of a sample; nil if the rows were not read
}

// Overlap is how many distinct values of a sample of a column are keys of another table.
type Overlap struct{ Distinct, Found int64 }

const (
	fewDistinct = 5  // so few values are in every integer key
	likelyShare = 99 // percent
	percent     = 100
)

// Likely reports whether the overlap supports that the column is a reference. A name must support it too, since small integers
// are in every key.
func (o Overlap) Likely() bool {
	return o.Distinct > fewDistinct && o.Found*percent >= o.Distinct*likelyShare
}

// String returns the overlap in words.
func (o Overlap) String() string {
	if o.Distinct == 0 {
		return "no values yet"
	}
	return fmt.Sprintf("%d of %d distinct values of a sample are keys there", o.Found, o.Distinct)
}

// CandidateReferences returns the columns that may refer to another table without a foreign key, by name and type, for tables of the
// goals.
func (s Input) CandidateReferences() []Candidate { return s.candidates(s.Goals(), nil) }

// candidates leaves out the columns of links. It drops a candidate whose sample was read and does not support it.
func (s Input) candidates(goals Goals, links []Link) []Candidate {
	linked := map[string]bool{}
	for _, l := range links {
		linked[l.String()] = true
	}
	parents := nouns(goals)
	for _, u := range s.unsupported(goals, false) {
		linked[sqltext.Table{Schema: s.Schema.Name, Name: u.Child}.String()+"."+u.Column] = true
	}
	var list []Candidate
	for _, goal := range goals.Tables {
		key := goal.Table.PrimaryKey()
		for _, c := range goal.Table.Columns {
			isKey := len(key) == 1 && key[0] == c.Name
			if !c.Integer() || c.Generated || isKey || hasKeyOn(goal.Table, c.Name) || linked[goal.Table.Named().String()+"."+c.Name] {
				continue
			}
			if parent, why := parents.of(c.Name); parent != nil {
				list = s.addCandidate(list, goal.Table, c, parent, why)
			}
		}
	}
	return list
}

// typesText describes the types of a column and of the key that it may refer to.
func typesText(child, parent string) string {
	if child == parent {
		return "both are " + child
	}
	return child + ", and the key is " + parent
}

func (s Input) addCandidate(list []Candidate, child *catalog.Table, c catalog.Column, parent *catalog.Table, why string) []Candidate {
	key := parent.Column(IntegerKey(parent))
	r := Reference{Child: child.Name, Column: c.Name, Parent: parent.Name}
	one := Candidate{Reference: r, Evidence: []string{why, typesText(c.Type, key.Type)}}
	if o, read := s.Overlaps[r]; read {
		if o.Distinct > 0 && !o.Likely() {
			return list
		}
		one.Overlap, one.Evidence = &o, append(one.Evidence, o.String())
	}
	return append(list, one)
}

// nounTables has the tables with an integer key, by the nouns for one row in their names: user for users and for shop_users.
type nounTables map[string][]*catalog.Table

func nouns(goals Goals) nounTables {
	n := nounTables{}
	for _, goal := range goals.Tables {
		t := goal.Table
		if t.Kind != catalog.Ordinary && t.Kind != catalog.Partitioned || IntegerKey(t) == "" {
			continue
		}
		words := strings.Split(t.Name, "_")
		for i := range words {
			for _, one := range singular(strings.Join(words[i:], "_")) {
				n[one] = append(n[one], t)
			}
		}
	}
	return n
}

// singular returns a name and its possible singulars.
func singular(name string) []string {
	forms := []string{name}
	for _, end := range [][2]string{{"ies", "y"}, {"ses", "s"}, {"xes", "x"}, {"ches", "ch"}, {"s", ""}} {
		if stem, ok := strings.CutSuffix(name, end[0]); ok && stem != "" {
			forms = append(forms, stem+end[1])
		}
	}
	return forms
}

// of returns the table to which a column refers by its name, and why; nil if there is none, or more than one. A role, as in
// approved_by, refers to users.
func (n nounTables) of(column string) (parent *catalog.Table, why string) {
	stem, isID := strings.CutSuffix(column, idSuffix)
	if _, isRole := strings.CutSuffix(column, "_by"); isRole {
		if parent := n.only("user"); parent != nil {
			return parent, "named like a user"
		}
	}
	words := strings.Split(stem, "_")
	for i := range words {
		if parent := n.only(strings.Join(words[i:], "_")); isID && parent != nil {
			return parent, "named after the table"
		}
	}
	return nil, ""
}

// only returns the table of a noun: the one with this name, or else the only one whose name ends with it.
func (n nounTables) only(noun string) *catalog.Table {
	tables := n[noun]
	for _, t := range tables {
		if slices.Contains(singular(t.Name), noun) {
			return t
		}
	}
	if len(tables) == 1 {
		return tables[0]
	}
	return nil
}
