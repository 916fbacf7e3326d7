// Package trust decides whether an object may be used by the role that rekey runs as. Trust follows
// ownership: a name, a source text or a behavior is no reason for it. It is the only place that decides;
// the others read owners from the catalogue and ask here.
package trust

import (
	_ "embed"
	"fmt"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// JournalQuery asks for what is in the schema of the journal, for Journal.
//
//go:embed queries/journal.sql
var JournalQuery string

// CodeQuery asks for the code of the tables $1, for Code; $2 says that ordinary triggers do not fire, $3 are the columns
// that are filled.
//
//go:embed queries/code.sql
var CodeQuery string

// Owner reports whether code of an owner may run with the rights of a role: an owner that has these rights
// himself (the role, a superuser, a role that may become it), or one that the caller named (--trust-owner).
// An extension lends its members no trust: any owner of an extension can add a function of his own to it.
func Owner(role catalog.Role, owner catalog.Owner) bool {
	return owner.Becomes || owner.Name == role.Name || slices.Contains(role.Trusts, owner.Name)
}

// OwnerSQL is Owner as an SQL condition on the OID of an owner; names is an array of the named ones.
func OwnerSQL(owner, names string, major int) string {
	const firstSet = 16 // that knows the right to SET ROLE
	right := "MEMBER"
	if major >= firstSet {
		right = "SET"
	}
	return fmt.Sprintf("(pg_has_role(%[1]s, current_user, '%[2]s') OR pg_get_userbyid(%[1]s) = ANY (%[3]s))", owner, right, names)
}

// Standing is what a role may do with a function.
type FunctionTrust int

// The standings.
const (
	Untrusted FunctionTrust = iota // never called, never a default
	Accepted                       // a default if its text is known; never called
	Trusted                        // may be called
)

// Function returns what a role may do with a function. The owner of the tables may have his own function
// as their default: an INSERT runs his triggers and checks anyway. So may a role that the session has set, whose function
// is not called: it could go back to the role that has logged in.
func OfFunction(role catalog.Role, f catalog.Function) FunctionTrust {
	switch {
	case runs(role, f.HeldBy()):
		return Trusted
	case f.OwnsTables, Owner(role, f.HeldBy()):
		return Accepted
	default:
		return Untrusted
	}
}

// Journal returns the objects that keep a role from using the schema of the journal: objects of an owner that
// it does not trust, and those that rekey does not make.
func Journal(role catalog.Role, found []catalog.Object) []catalog.Object {
	return slices.DeleteFunc(slices.Clone(found), func(o catalog.Object) bool { return o.Fault == "" && Owner(role, o.Owner) })
}

// Lends reports whether a statement of the role would run code that the table's owner adds with rights that he has not.
func RunsOwnersCode(role catalog.Role, table catalog.Table) bool {
	return role.Session != "" || table.Owner != role.Name && !table.OwnerBecomes
}

// Events divides the event triggers that a change by the role fires into those that it may fire and those whose
// function belongs to an owner that it does not trust.
func Events(role catalog.Role, found []catalog.EventTrigger) (allowed, refused []catalog.EventTrigger) {
	for _, e := range found {
		if runs(role, e.HeldBy()) {
			allowed = append(allowed, e)
		} else {
			refused = append(refused, e)
		}
	}
	return allowed, refused
}

// Default returns the code of a column's default that belongs neither to an owner whom the role trusts nor to the
// owner of the table: an INSERT runs the triggers and checks of the table's owner anyway.
func Default(role catalog.Role, table catalog.Table, column catalog.Column) []catalog.Code {
	return slices.DeleteFunc(slices.Clone(column.Code), func(c catalog.Code) bool {
		return c.Owner.Name == table.Owner || runs(role, c.Owner)
	})
}

// Code divides the code of tables into what a role may run and what it must not: functions of an owner that
// it does not trust, and expressions of such an owner that use the role's rights without a function of his.
func Code(role catalog.Role, found []catalog.Code) (allowed, refused []catalog.Code) {
	for _, c := range found {
		if runs(role, c.Owner) && (c.Fault == "" || runs(role, c.Holder)) {
			allowed = append(allowed, c)
		} else {
			refused = append(refused, c)
		}
	}
	return allowed, refused
}

// runs is Owner for code that a statement runs. In a session that has set its role the role's own code can go back to
// the role that has logged in, so that its name alone does not make it the role's own.
func runs(role catalog.Role, owner catalog.Owner) bool {
	if role.Session != "" && owner.Name == role.Name {
		return owner.Becomes || slices.Contains(role.Trusts, owner.Name)
	}
	return Owner(role, owner)
}
