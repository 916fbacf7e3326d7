// Package trust decides whose code and whose objects rekey may use. It is the only place that does: ownership decides,
// never a name, a source text, or what a function was seen to do.
//
// A function, a trigger, a default or a check that rekey makes the server run is run with the rights of rekey's role.
// Whoever owns such code could use those rights. So it is used only where its owner has them already, or was named by
// the operator.
package trust

import "slices"

// Role is the role that rekey runs as.
type Role struct {
	Name      string
	Superuser bool
	// Named are the roles that the operator trusts knowingly (--trust-owner).
	Named []string
}

// Owner is the role that owns an object.
type Owner struct {
	Name      string
	Superuser bool
}

// Trusts reports whether code that the owner can change may run with the role's rights: the role's own code, that of a
// superuser, who has all rights, and that of an owner that the operator has named.
//
// Membership in a role is no trust in it: it gives the member the rights of the owner, and the owner none of the
// member's. An extension is no trust either: its owner can add an object of his own to it, and the objects that an
// extension's script creates belong to the role that the server ran the script as.
func (r Role) Trusts(o Owner) bool {
	return o.Name == r.Name || o.Superuser || slices.Contains(r.Named, o.Name)
}
