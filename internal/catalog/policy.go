package catalog

// Policy is a policy of row-level security.
type Policy struct {
	Name       string
	Command    string // pg_policy.polcmd: r SELECT, a INSERT, w UPDATE, d DELETE, * all
	Permissive bool
	OfOwner    bool   // it applies to the table's owner
	Using      string // the expression of USING; "" without one
}

// ForcesPolicies reports whether the policies of row-level security apply to the table's owner.
func (t Table) ForcesPolicies() bool {
	return t.RowSecurity && t.ForceRowSecurity && !t.OwnerBypassesRLS
}

// HidesFromOwner reports whether row-level security may hide rows from the table's owner when it selects them: it is forced,
// and the policies that apply to the owner do not let it see every row.
func (t Table) HidesFromOwner() bool {
	if !t.ForcesPolicies() {
		return false
	}
	sees := false
	for _, p := range t.Policies {
		if !p.OfOwner || p.Command != "r" && p.Command != "*" || p.Using == "" {
			continue
		}
		every := p.Using == "true"
		if !p.Permissive && !every {
			return true
		}
		sees = sees || p.Permissive && every
	}
	return !sees
}
