package step_test

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

func role() catalog.Role { return catalog.Role{Name: "migrator"} }

// function returns rekey's function of a major version after changes.
func function(major int, changes ...func(*catalog.Function)) *catalog.Function {
	f := &catalog.Function{
		OID: 7, Schema: "app", Name: step.FunctionName, Owner: "migrator", OwnerBecomes: true, Owned: true, OwnedByRole: true,
		SourceMD5: step.EnsureFunction{}.Source(major), Kind: "f", Returns: "uuid", Language: "sql", Volatile: true, ParallelSafe: true,
	}
	for _, change := range changes {
		change(f)
	}
	return f
}

func withFunction(major int, f *catalog.Function) step.View {
	return step.View{Server: catalog.Server{Version: major * 10000, Role: role()}, Schema: catalog.Schema{Name: "app", Function: f}}
}

func immutable(f *catalog.Function) { f.Volatile = false }

// original makes the function a library's own.
func original(f *catalog.Function) {
	f.SourceMD5, f.Language, f.ParallelSafe, f.Original = "other", "plpgsql", false, &catalog.Original{Library: "Library"}
}

// unknown gives the function a source that rekey does not know.
func unknown(f *catalog.Function) { f.SourceMD5 = "other" }

// notReplaceable takes the right to replace the function away; its owner is trusted all the same.
func notReplaceable(f *catalog.Function) { f.Owned, f.OwnedByRole = false, false }

func proved(v7 bool) func(*catalog.Function) {
	return func(f *catalog.Function) { f.Proof = &catalog.Proof{V7: v7} }
}

func TestEnsureFunction(t *testing.T) {
	creates := func(major int) []string {
		return []string{"share: CREATE OR REPLACE FUNCTION app.uuid_generate_v7() RETURNS pg_catalog.uuid\nLANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT " +
			strings.ReplaceAll(step.Expression(major), "'", "''") + "'"}
	}
	testStep(t, step.EnsureFunction{Schema: "app"}, map[string]stepCase{
		"none, 15":                           {view: withFunction(15, nil), up: creates(15)},
		"none, 18":                           {view: withFunction(18, nil), up: creates(18)},
		"made, 15":                           {view: withFunction(15, function(15)), done: true},
		"made, 18":                           {view: withFunction(18, function(18)), done: true},
		"made before an upgrade":             {view: withFunction(18, function(15)), up: creates(18)},
		"PhoenixKit's":                       {view: withFunction(15, function(15, original)), up: creates(15)},
		"made, altered to IMMUTABLE":         {view: withFunction(15, function(15, immutable)), up: creates(15)},
		"PhoenixKit's, not replaceable":      {view: withFunction(15, function(15, original, notReplaceable)), done: true},
		"unknown, proved":                    {view: withFunction(15, function(15, unknown, notReplaceable, proved(true))), done: true},
		"unknown, refuted":                   {view: withFunction(15, function(15, unknown, notReplaceable, proved(false))), up: creates(15)},
		"unknown, not called":                {view: withFunction(15, function(15, unknown, notReplaceable)), up: creates(15)},
		"older, not replaceable, not usable": {view: withFunction(15, function(18, notReplaceable)), up: creates(15)},
	})
	if step.Expression(18) != "pg_catalog.uuidv7()" {
		t.Errorf("on 18 the expression is %s", step.Expression(18))
	}
}

// The source that the step creates is the one by which it knows its function again.
func TestFunctionSource(t *testing.T) {
	for _, major := range []int{13, 17, 18, 19} {
		digest := md5.Sum([]byte("SELECT " + step.Expression(major)))
		if got := (step.EnsureFunction{}).Source(major); got != hex.EncodeToString(digest[:]) {
			t.Errorf("%d: %s", major, got)
		}
	}
}

func TestFunctionFault(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*catalog.Function)
		want   string
	}{
		"fine":        {func(*catalog.Function) {}, ""},
		"a procedure": {func(f *catalog.Function) { f.Kind = "p" }, "ordinary function"},
		"returns set": {func(f *catalog.Function) { f.Returns = "SETOF uuid" }, "returns SETOF uuid"},
		"immutable":   {immutable, "not volatile"},
	} {
		f := function(15, c.change)
		if got := step.FunctionFault(f); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
		if usable := step.FunctionUsable(f, withFunction(15, nil).Server); usable != (c.want == "") {
			t.Errorf("%s: usable %t", name, usable)
		}
	}
}

// A function may be replaced only if its source is known and nothing else depends on who owns it.
func TestFunctionReplaceable(t *testing.T) {
	server := withFunction(15, nil).Server
	for name, c := range map[string]struct {
		f    *catalog.Function
		want bool
	}{
		"made":                  {function(15), true},
		"made for 18":           {function(18), true},
		"PhoenixKit's":          {function(15, original), true},
		"unknown":               {function(15, unknown), false},
		"not owned":             {function(15, notReplaceable), false},
		"of an extension":       {function(15, func(f *catalog.Function) { f.Extension = "ids" }), false},
		"of an untrusted owner": {function(15, func(f *catalog.Function) { f.Owner, f.OwnerBecomes, f.OwnedByRole = "other", false, false }), false},
	} {
		if got := step.FunctionReplaceable(c.f, server); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestFunctionCallable(t *testing.T) {
	server := withFunction(15, nil).Server
	for name, c := range map[string]struct {
		f    *catalog.Function
		want bool
	}{
		"known: no need to":     {function(15), false},
		"unknown":               {function(15, unknown), true},
		"unknown and immutable": {function(15, unknown, immutable), false},
		"of an untrusted owner": {function(15, unknown, func(f *catalog.Function) { f.Owner, f.OwnerBecomes, f.OwnedByRole = "other", false, false }), false},
	} {
		if got := step.FunctionCallable(c.f, server); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestGrantExecute(t *testing.T) {
	unprivileged := func(roles ...string) func(*catalog.Function) {
		return func(f *catalog.Function) { f.Unprivileged = roles }
	}
	const grant = "GRANT EXECUTE ON FUNCTION app.uuid_generate_v7() TO "
	testStep(t, step.GrantExecute{Schema: "app"}, map[string]stepCase{
		"no function yet": {view: withFunction(15, nil), stays: true},
		"all may call it": {view: withFunction(15, function(15)), done: true},
		"two roles lack it": {
			view: withFunction(15, function(15, unprivileged("App Writer", "batch"))),
			up:   []string{"share: " + grant + "App Writer; " + grant + "batch"},
		},
		"PUBLIC lacks it": {
			view: withFunction(15, function(15, unprivileged(step.Public))),
			up:   []string{"share: " + grant + "PUBLIC"},
		},
	})
	if got := step.GrantSQL("app", "f", "PUBLIC "); got != `GRANT EXECUTE ON FUNCTION "app"."f"() TO "PUBLIC "` {
		t.Error(got)
	}
}

func TestCallsNamed(t *testing.T) {
	for calls, want := range map[string]bool{`"public"."uuid_generate_v7"`: true, `"app"."uuid_generate_v7"`: true, `"app"."my_uuid_generate_v7"`: false, "": false} {
		if got := step.CallsNamed(&catalog.Column{Calls: calls}, step.FunctionName); got != want {
			t.Errorf("%s: %t", calls, got)
		}
	}
}
