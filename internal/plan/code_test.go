package plan

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

func TestCode(t *testing.T) {
	app, root, mallory := catalog.Owner{Name: "app"}, catalog.Owner{Name: "root", Becomes: true}, catalog.Owner{Name: "mallory"}
	made := Code{Runs: "function app.uuid_generate_v7()", Owner: "postgres", Use: Defaulted, Callers: []string{}}
	check := func(table, fault string, owner catalog.Owner) catalog.Code {
		return catalog.Code{Table: named(table), Holder: app, Where: "constraint present on table app." + table, Runs: "function app.f(text)", Owner: owner, Fault: fault}
	}
	for name, c := range map[string]struct {
		alter func(*Input)
		want  []Code
	}{
		"a new function": {func(*Input) {}, []Code{made}},
		"one function in two tables": {
			func(s *Input) { s.Schema.Code = []catalog.Code{check("t", "", app), check("u", "", app)} },
			[]Code{{Runs: "function app.f(text)", Owner: "app", Use: Updated, Callers: []string{"constraint present on table app.t", "constraint present on table app.u"}, As: "postgres", Why: "--trust-owner app"}, made},
		},
		"a superuser's, called by the table owner's expression": {
			func(s *Input) { s.Schema.Code = []catalog.Code{check("t", "it may execute a text", root)} },
			[]Code{{Runs: "function app.f(text)", Owner: "root", Use: Updated, Callers: []string{"constraint present on table app.t"}, As: "postgres", Why: "--trust-owner app"}, made},
		},
		"a superuser's": {
			func(s *Input) { s.Schema.Code = []catalog.Code{check("t", "", root)} },
			[]Code{{Runs: "function app.f(text)", Owner: "root", Use: Updated, Callers: []string{"constraint present on table app.t"}, As: "postgres", Why: "root has the rights of postgres"}, made},
		},
		"refused code": {func(s *Input) { s.Schema.Code = []catalog.Code{check("t", "", mallory)} }, []Code{made}},
		"an event trigger": {
			func(s *Input) {
				s.Server.EventTriggers = []catalog.EventTrigger{{Name: "audit", Function: "public.audit()", Owner: "postgres"}, {Name: "bad", Function: "public.bad()", Owner: "mallory"}}
			},
			[]Code{{Runs: "function public.audit()", Owner: "postgres", Use: Fired, Callers: []string{"event trigger audit"}, As: "postgres", Why: "its own"}, made},
		},
		"an existing function with a proof": {
			func(s *Input) {
				s.Schema.Function = &catalog.Function{
					Schema: "app", Name: step.FunctionName, Owner: "app", Kind: "f", Returns: "uuid", Volatile: true, Language: "sql", SourceMD5: "x", Proof: &catalog.Proof{V7: true},
				}
			},
			[]Code{
				{Runs: made.Runs, Owner: "app", Use: Proved, Callers: []string{}, As: "postgres", Why: "--trust-owner app"},
				{Runs: made.Runs, Owner: "app", Use: Defaulted, Callers: []string{}},
			},
		},
		"another role's function": {
			func(s *Input) {
				s.Schema.Function = &catalog.Function{Schema: "app", Name: step.FunctionName, Owner: "mallory", Kind: "f", Returns: "uuid", Volatile: true}
			}, nil,
		},
		"down": {
			func(s *Input) { s.Direction, s.Schema.Code = Down, []catalog.Code{check("t", "", app)} }, nil,
		},
	} {
		if got := Build(schemaRun(c.alter)).Code; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n%+v, want\n%+v", name, got, c.want)
		}
	}
}

func TestUntrustedEventTriggers(t *testing.T) {
	for owner, want := range map[string]bool{"postgres": false, "app": false, "mallory": true} {
		for _, direction := range []Direction{Up, Down} {
			s := schemaRun(func(s *Input) {
				s.Direction = direction
				s.Server.EventTriggers = []catalog.EventTrigger{{Name: "No DDL", Function: "public.f()", Event: "sql_drop", Owner: owner}}
				if direction == Down {
					complete(s, first(s))
				}
			})
			got := Build(s).Refusals
			if slices.ContainsFunc(got, func(p *problem.Problem) bool {
				return p.Code == "untrusted_event_trigger" && p.Kind == problem.Refused && strings.Contains(p.Message, "No DDL") && strings.Contains(p.Message, owner)
			}) != want {
				t.Errorf("%s, %s: %v", owner, direction, got)
			}
		}
	}
}

func TestUntrustedDefaults(t *testing.T) {
	for name, c := range map[string]struct {
		owner catalog.Owner
		want  bool
		calls string
	}{
		"a superuser":                   {owner: catalog.Owner{Name: "root", Becomes: true}},
		"a named owner":                 {owner: catalog.Owner{Name: "app"}},
		"the table's owner":             {owner: catalog.Owner{Name: "tables"}},
		"an untrusted role":             {owner: catalog.Owner{Name: "mallory"}, want: true},
		"an untrusted role, V40's name": {owner: catalog.Owner{Name: "mallory"}, calls: `"other"."uuid_generate_v7"`, want: true},
	} {
		s := schemaRun(func(s *Input) {
			table := &s.Schema.Relations[0]
			table.Owner = "tables"
			table.Columns = append(table.Columns, catalog.Column{
				Number: 2, Name: "uuid", Type: "uuid", Length: 16, Default: "other.uuid_generate_v7()", Calls: c.calls,
				Code: []catalog.Code{{Runs: "function other.uuid_generate_v7()", Owner: c.owner}},
			})
		})
		got := Build(s).Refusals
		if slices.ContainsFunc(got, func(p *problem.Problem) bool {
			return p.Code == "unusable_function" && p.Table == "app.t" && strings.Contains(p.Message, "other.uuid_generate_v7() of mallory")
		}) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
