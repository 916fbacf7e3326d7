package trust

import "testing"

func TestTrusts(t *testing.T) {
	plain, super := Role{Name: "deploy"}, Role{Name: "postgres", Superuser: true}
	naming := Role{Name: "postgres", Superuser: true, Named: []string{"appowner"}}
	for name, c := range map[string]struct {
		role  Role
		owner Owner
		want  bool
	}{
		"the role itself":              {plain, Owner{Name: "deploy"}, true},
		"a superuser itself":           {super, Owner{Name: "postgres", Superuser: true}, true},
		"a superuser":                  {plain, Owner{Name: "postgres", Superuser: true}, true},
		"another superuser":            {super, Owner{Name: "dba", Superuser: true}, true},
		"another role":                 {plain, Owner{Name: "mallory"}, false},
		"another role, as a superuser": {super, Owner{Name: "mallory"}, false},
		"a role that was named":        {naming, Owner{Name: "appowner"}, true},
		"a role beside a named one":    {naming, Owner{Name: "mallory"}, false},
		"a name that differs in case":  {naming, Owner{Name: "Appowner"}, false},
		"nobody":                       {plain, Owner{}, false},
	} {
		if got := c.role.Trusts(c.owner); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
