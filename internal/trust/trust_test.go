package trust

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

//nolint:gochecknoglobals // constants that Go cannot write
var (
	role  = catalog.Role{Name: "postgres", Superuser: true, Trusts: []string{"named"}}
	owner = map[string]catalog.Owner{
		"the role":                  {Name: "postgres"},
		"another superuser":         {Name: "root", Becomes: true},
		"a role that can become it": {Name: "admin", Becomes: true},
		"a named role":              {Name: "named"},
		"another role":              {Name: "mallory"},
	}
)

func TestOwner(t *testing.T) {
	for name, o := range owner {
		if got, want := Owner(role, o), name != "another role"; got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
}

func TestOfFunction(t *testing.T) {
	for name, o := range owner {
		for _, ofTables := range []bool{false, true} {
			want := Trusted
			switch {
			case name == "another role" && ofTables:
				want = Accepted
			case name == "another role":
				want = Untrusted
			}
			f := catalog.Function{Owner: o.Name, OwnerBecomes: o.Becomes, OwnsTables: ofTables, Extension: "any"}
			if got := OfFunction(role, f); got != want {
				t.Errorf("%s, of the tables %t: %d, want %d", name, ofTables, got, want)
			}
		}
	}
}

// TestFunctionsAfterSetRole checks that after SET ROLE the current role's own code is neither called nor fired.
func TestFunctionsAfterSetRole(t *testing.T) {
	set := catalog.Role{Name: "app", Session: "postgres"}
	if got := OfFunction(set, catalog.Function{Owner: "app"}); got != Accepted {
		t.Errorf("the role's own function: %d", got)
	}
	if allowed, _ := Events(set, []catalog.EventTrigger{{Name: "e", Owner: "app"}}); len(allowed) > 0 {
		t.Errorf("the role's own event trigger: %v", allowed)
	}
	if got := OfFunction(set, catalog.Function{Owner: "postgres", OwnerBecomes: true}); got != Trusted {
		t.Errorf("a function of the role that has logged in: %d", got)
	}
}

func TestJournal(t *testing.T) {
	for name, o := range owner {
		for _, fault := range []string{"", "it is no table of rekey's"} {
			want := 0
			if name == "another role" || fault != "" {
				want = 1
			}
			if got := Journal(role, []catalog.Object{{Name: "table rekey.runs", Owner: o, Fault: fault}}); len(got) != want {
				t.Errorf("%s, %q: %v", name, fault, got)
			}
		}
	}
}

func TestRunsOwnersCode(t *testing.T) {
	for name, o := range owner {
		want := name == "another role" || name == "a named role" // naming an owner gives it no rights
		if got := RunsOwnersCode(role, catalog.Table{Owner: o.Name, OwnerBecomes: o.Becomes}); got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
	if !RunsOwnersCode(catalog.Role{Name: "app", Session: "postgres"}, catalog.Table{Owner: "app", OwnerBecomes: true}) {
		t.Error("after SET ROLE, RunsOwnersCode is false")
	}
}

func TestShards(t *testing.T) {
	sharded := &catalog.Sharding{Kind: catalog.HashDistributed}
	for name, test := range map[string]struct {
		role  catalog.Role
		table catalog.Table
		want  bool
	}{
		"the role's own table":            {catalog.Role{Name: "app"}, catalog.Table{Owner: "app", Sharding: sharded}, false},
		"an owner with the role's rights": {catalog.Role{Name: "app"}, catalog.Table{Owner: "postgres", OwnerBecomes: true, Sharding: sharded}, false},
		"an owner with fewer":             {catalog.Role{Name: "postgres"}, catalog.Table{Owner: "app", Sharding: sharded}, true},
		"one that the role trusts":        {catalog.Role{Name: "postgres", Trusts: []string{"app"}}, catalog.Table{Owner: "app", Sharding: sharded}, false},
		"after SET ROLE":                  {catalog.Role{Name: "app", Session: "postgres"}, catalog.Table{Owner: "app", Sharding: sharded}, true},
		"a table without shards":          {catalog.Role{Name: "postgres"}, catalog.Table{Owner: "app"}, false},
	} {
		if got := Shards(test.role, test.table); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestCode(t *testing.T) {
	for of, holder := range owner {
		for by, runs := range owner {
			for _, fault := range []string{"", "it executes a text"} {
				want := by != "another role" && (fault == "" || of != "another role")
				allowed, refused := Code(role, []catalog.Code{{Holder: holder, Owner: runs, Fault: fault}})
				if len(allowed) == 1 != want || len(allowed)+len(refused) != 1 {
					t.Errorf("table of %s, code of %s, %q: allowed %v, refused %v", of, by, fault, allowed, refused)
				}
			}
		}
	}
}

// TestCodeAfterSetRole checks that after SET ROLE code of the current role is refused, since it can return to the
// role that has logged in.
func TestCodeAfterSetRole(t *testing.T) {
	set := catalog.Role{Name: "app", Session: "postgres", Trusts: []string{"named"}}
	for name, c := range map[string]struct {
		owner catalog.Owner
		want  bool
	}{
		"the role that was set":                      {catalog.Owner{Name: "app"}, false},
		"the role that was set, which may become it": {catalog.Owner{Name: "app", Becomes: true}, true},
		"the role that has logged in":                {catalog.Owner{Name: "postgres", Becomes: true}, true},
		"a named role":                               {catalog.Owner{Name: "named"}, true},
	} {
		if allowed, _ := Code(set, []catalog.Code{{Owner: c.owner}}); len(allowed) == 1 != c.want {
			t.Errorf("%s: %v", name, allowed)
		}
	}
}

func TestEvents(t *testing.T) {
	for name, o := range owner {
		allowed, refused := Events(role, []catalog.EventTrigger{{Name: "e", Owner: o.Name, OwnerBecomes: o.Becomes}})
		if got, want := len(allowed) == 1, name != "another role"; got != want || len(allowed)+len(refused) != 1 {
			t.Errorf("%s: allowed %v, refused %v", name, allowed, refused)
		}
	}
}

func TestDefault(t *testing.T) {
	for name, o := range owner {
		for _, of := range []string{"mallory", "app"} {
			column := catalog.Column{Code: []catalog.Code{{Runs: "function app.trusted()", Owner: owner["the role"]}, {Runs: "function app.f()", Owner: o}}}
			got := Default(role, catalog.Table{Owner: of}, column)
			if want := name == "another role" && of != o.Name; len(got) == 1 != want || want && got[0].Runs != "function app.f()" {
				t.Errorf("%s, table of %s: %v", name, of, got)
			}
		}
	}
}
