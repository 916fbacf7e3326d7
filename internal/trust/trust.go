// Package trust decides whether rekey's role may use an object. Trust depends on ownership only, never on a name, a
// source text or a behavior. No other package decides this; the others read owners from the catalogue and call this
// package.
package trust

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// JournalQuery returns the objects in the schema of the journal, for [Journal].
//
//go:embed queries/journal.sql
var JournalQuery string

// CodeQuery returns the code of the tables $1, for [Code]. If $2 is true, ordinary triggers do not fire; $3 are the
// columns that are filled.
//
//go:embed queries/code.sql
var CodeQuery string

// Owner reports whether code of an owner may run with the rights of a role: the owner has these rights (it is the
// role, a superuser, or a role that can become it), or the user has named the owner (--trust-owner). Membership in
// an extension does not count, since any owner of an extension can add functions to it.
func Owner(role catalog.Role, owner catalog.Owner) bool {
	return owner.Becomes || owner.Name == role.Name || slices.Contains(role.Trusts, owner.Name)
}

// OwnerSQL returns [Owner] as an SQL condition on the OID of an owner; names is an SQL array of the named owners.
func OwnerSQL(owner, names string, major int) string {
	const firstSet = 16 // the first version that has the SET option of a membership
	right := "MEMBER"
	if major >= firstSet {
		right = "SET"
	}
	return fmt.Sprintf("(pg_has_role(%[1]s, current_user, '%[2]s') OR pg_get_userbyid(%[1]s) = ANY (%[3]s))", owner, right, names)
}

// FunctionTrust says what a role may do with a function.
type FunctionTrust int

// The values of [FunctionTrust].
const (
	Untrusted FunctionTrust = iota // neither called nor used as a default
	Accepted                       // used as a default if its text is known, but not called
	Trusted                        // may be called
)

// OfFunction returns what a role may do with a function. A function that the tables' owner owns may be their
// default, since an INSERT runs the owner's triggers and checks anyway. The same holds for a role set with SET
// ROLE; its function is not called, since it could return to the role that has logged in.
func OfFunction(role catalog.Role, f catalog.Function) FunctionTrust {
	switch {
	case mayRun(role, f.HeldBy()):
		return Trusted
	case f.OwnsTables, Owner(role, f.HeldBy()):
		return Accepted
	default:
		return Untrusted
	}
}

// Journal returns the objects that prevent a role from using the journal's schema: objects of owners that it does
// not trust, and objects that rekey does not create.
func Journal(role catalog.Role, found []catalog.Object) []catalog.Object {
	return slices.DeleteFunc(slices.Clone(found), func(o catalog.Object) bool { return o.Fault == "" && Owner(role, o.Owner) })
}

// RunsOwnersCode reports whether a statement of the role would run code of the table's owner with rights that the
// owner does not have.
func RunsOwnersCode(role catalog.Role, table catalog.Table) bool {
	return role.Session != "" || table.Owner != role.Name && !table.OwnerBecomes
}

// Shards reports whether a statement of the role on a table of a cluster may run code that the role does not trust. The owner of the table can
// put code on a shard, on its node, where the catalogue of the coordinator does not show it.
func Shards(role catalog.Role, table catalog.Table) bool {
	return table.Sharding != nil && RunsOwnersCode(role, table) && !slices.Contains(role.Trusts, table.Owner)
}

// Events splits the event triggers that a change by the role fires: allowed ones, and refused ones, whose function
// belongs to an owner that the role does not trust.
func Events(role catalog.Role, found []catalog.EventTrigger) (allowed, refused []catalog.EventTrigger) {
	for _, e := range found {
		if mayRun(role, e.HeldBy()) {
			allowed = append(allowed, e)
		} else {
			refused = append(refused, e)
		}
	}
	return allowed, refused
}

// Default returns the code of a column's default whose owner is neither trusted by the role nor the table's owner:
// an INSERT runs the triggers and checks of the table's owner anyway.
func Default(role catalog.Role, table catalog.Table, column catalog.Column) []catalog.Code {
	return slices.DeleteFunc(slices.Clone(column.Code), func(c catalog.Code) bool {
		return c.Owner.Name == table.Owner || mayRun(role, c.Owner)
	})
}

// Code splits the code of tables: what the role may run, and what it must not. The latter are functions of owners
// that it does not trust, and expressions of such owners that use the role's rights without a function of their
// own.
func Code(role catalog.Role, found []catalog.Code) (allowed, refused []catalog.Code) {
	for _, c := range found {
		if mayRun(role, c.Owner) && (c.Fault == "" || mayRun(role, c.Holder)) {
			allowed = append(allowed, c)
		} else {
			refused = append(refused, c)
		}
	}
	return allowed, refused
}

// mayRun is [Owner] for code that a statement runs. After SET ROLE, code of the current role can return to the role
// that has logged in, so that the role's name alone does not make it trusted.
func mayRun(role catalog.Role, owner catalog.Owner) bool {
	if role.Session != "" && owner.Name == role.Name {
		return owner.Becomes || slices.Contains(role.Trusts, owner.Name)
	}
	return Owner(role, owner)
}
