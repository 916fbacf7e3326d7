package message

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// FunctionNameTaken returns the refusal of a function that has the name of the needed one but cannot replace it.
func FunctionNameTaken(schema, name, owner, reason string) *problem.Problem {
	return refused("unusable_function", "", fmt.Sprintf("function %s.%s() of %s cannot generate the uuids", schema, name, owner), sentence(reason),
		fmt.Sprintf("Rename it: ALTER FUNCTION %s.%s() RENAME TO another_name; Afterwards run the same command again.", sqltext.Ident(schema), sqltext.Ident(name)))
}

// UntrustedFunction returns the refusal of a function that has the needed name and belongs to an untrusted role.
func UntrustedFunction(schema, name, owner, role string) *problem.Problem {
	function := fmt.Sprintf("%s.%s()", sqltext.Ident(schema), sqltext.Ident(name))
	return refused("unusable_function", "", fmt.Sprintf("function %s.%s() belongs to %s, which %s does not trust", schema, name, owner, role),
		"rekey did not call it. As the default of a column it would run with the privileges of every role that inserts.",
		fmt.Sprintf("If the tables belong to %s, connect as that role: --database-url postgres://%s@.. If you trust its code: --trust-owner %s. Otherwise: ALTER FUNCTION %s RENAME TO another_name;",
			owner, visible.Word(owner), visible.Word(owner), function))
}

// UntrustedDefault returns the refusal of a column whose default runs code of an untrusted role.
func UntrustedDefault(table, quoted, column, expression string, code catalog.Code, role string) *problem.Problem {
	return refused("unusable_function", table, fmt.Sprintf("the default of column %s of %s calls %s of %s, which %s does not trust", column, table, code.Runs, code.Owner.Name, role),
		fmt.Sprintf("The default is: %s. rekey did not call it. %s does not own the table and lacks the privileges of %s.", expression, capitalize("role "+code.Owner.Name), role),
		fmt.Sprintf("Drop the default: ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT; If you trust the function's owner: --trust-owner %s",
			quoted, sqltext.Ident(column), visible.Word(code.Owner.Name)))
}

// UntrustedCode returns the refusal of a table whose expressions, triggers or rules run code that an untrusted role can
// change. Session is the role that logged in, or "" if it is the current role.
func UntrustedCode(table, owner, role, session string, code []catalog.Code) *problem.Problem {
	first := code[0]
	detail := "Reading or writing the table runs it for " + first.Where + "."
	if first.Fires {
		detail = "An UPDATE of the table runs it for " + first.Where + "."
	}
	if first.Fault != "" {
		detail += fmt.Sprintf(" The expression belongs to %s: %s.", first.Holder.Name, first.Fault)
	}
	if more := len(code) - 1; more > 0 {
		detail += fmt.Sprintf(" The same applies to %s.", Counted(more, "more call", "more calls"))
	}
	detail += " SET ROLE does not prevent it."
	if session != "" {
		role = session // the code can reset the role
		detail += fmt.Sprintf(" The session logged in as %s.", session)
	}
	hint := fmt.Sprintf("If you trust this code with the privileges of %s: %s", role, trustFlags(code))
	if owner != role {
		hint = fmt.Sprintf("Connect as the table's owner: --database-url postgres://%s@.. ", visible.Word(owner)) + hint
	}
	return refused("untrusted_code", table, fmt.Sprintf("%s of %s would run as %s for %s, a table of %s", first.Runs, first.Owner.Name, role, table, owner), detail, hint)
}

// trustFlags returns a --trust-owner for each role that can change the code.
func trustFlags(code []catalog.Code) string {
	var flags []string
	for _, c := range code {
		by := c.Owner.Name
		if c.Fault != "" {
			by = c.Holder.Name
		}
		if flag := "--trust-owner " + visible.Word(by); !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	return strings.Join(flags, " ")
}

// UntrustedShards returns the refusal of a table of a cluster whose owner can run code with the rights of the role.
func UntrustedShards(table, owner, role string) *problem.Problem {
	return refused("untrusted_shards", table, fmt.Sprintf("%s has shards and belongs to %s, which %s does not trust", table, owner, role),
		fmt.Sprintf("Role %s can put code on a shard, on its node. The node would run it as %s when it plans a read, and the coordinator does not show it.", owner, role),
		fmt.Sprintf("Connect as the owner: --database-url postgres://%s@.. If you trust its code: --trust-owner %s", visible.Word(owner), visible.Word(owner)))
}

// UntrustedEventTrigger returns the refusal of an event trigger whose function belongs to an untrusted role.
func UntrustedEventTrigger(trigger, function, owner, event, role string) *problem.Problem {
	return refused("untrusted_event_trigger", "", fmt.Sprintf("event trigger %s would run %s of %s as %s", trigger, function, owner, role),
		fmt.Sprintf("rekey's own statements fire it at %s. Role %s can replace the function at any time.", event, owner),
		fmt.Sprintf("If you trust the function's owner: --trust-owner %s. Otherwise let a superuser run: ALTER FUNCTION %s OWNER TO another_role; Or, until the run has ended: ALTER EVENT TRIGGER %s DISABLE;",
			visible.Word(owner), function, sqltext.Ident(trigger)))
}

// UnknownOwner returns the refusal of a --trust-owner that is not a role. A mistyped name would trust a role that is
// created later.
func UnknownOwner(name string) *problem.Problem {
	return refused("unknown_owner", "", fmt.Sprintf("role %s of --trust-owner does not exist", sqltext.Ident(name)),
		"Role names are case-sensitive here.",
		"Omit the flag, or name an owner that rekey plan reports: --trust-owner app_owner")
}

// FunctionAmbiguous returns the refusal of a function that makes a call without arguments ambiguous.
func FunctionAmbiguous(schema, name, other string) *problem.Problem {
	return refused("function_ambiguous", "", fmt.Sprintf("a call of %s.%s() would be ambiguous", schema, name),
		fmt.Sprintf("Every argument of %s has a default, so that it can be called without arguments.", other),
		fmt.Sprintf("Rename it: ALTER FUNCTION %s RENAME TO another_name; Afterwards run the same command again.", other))
}

// NoExecute returns the refusal of a function that some role may not call although it may insert into a table.
func NoExecute(schema, name, owner string, roles, grants []string) *problem.Problem {
	return refused("no_execute", "", fmt.Sprintf("%s may INSERT but not call %s.%s()", strings.Join(roles, ", "), schema, name),
		fmt.Sprintf("The function belongs to %s. As the default of a column it would make their inserts fail.", owner),
		"Let its owner run: "+strings.Join(grants, " "))
}
